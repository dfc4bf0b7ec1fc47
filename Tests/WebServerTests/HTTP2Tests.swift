// SPDX-License-Identifier: Apache-2.0

import Bytes
import FoundationEssentials
import TestKit
import Testing
import WebServer

@Suite("HTTP/2", .timeLimit(.minutes(2)))
struct HTTP2Tests {
    @Test(
        "serves media and pages as HTTP/1 does",
        arguments: [
            ("/m/1?a=b", "", "HTTP/2 200", "echo /m/1?a=b true"), ("/page", "", "HTTP/2 200", "page for true true"),
            ("/m/gone", "", "HTTP/2 404", ""), ("/m/big", "-r 99999-100000", "HTTP/2 206", "ab"),
            ("/m/big", "-r 300000-", "HTTP/2 416", ""), ("/m/big", "-H 'If-None-Match: \"v1\"'", "HTTP/2 304", ""),
            ("/echo", "-d hello", "HTTP/2 200", "posted hello"), ("/m/1", "-X OPTIONS", "HTTP/2 204", ""),
            ("/m/viewer", "-A Phone -H 'X-Playback-Session-Id: 7'", "HTTP/2 200", "Phone 7"),
            ("/m/1", "-X GET -d hello", "HTTP/2 400", ""), ("/none", "", "HTTP/2 404", ""),
        ]
    )
    func serving(path: String, arguments: String, status: String, body: String) async throws {
        try await ServerHarness.run(isTLS: true) { harness in
            let text = try await curl("-i \(arguments)", [path], harness)
            #expect(text.hasPrefix(status))
            #expect(text.hasSuffix("\r\n\r\n" + body))
        }
    }

    @Test("sends large bodies and long streams whole")
    func large() async throws {
        try await ServerHarness.run(isTLS: true) { harness in
            let body = try await curl("", ["/m/big"], harness)
            #expect(body.utf8.count == 300_000)
            let stream = try await curl("", ["/m/flood"], harness)
            #expect(stream.utf8.count == 8_000_000)
        }
    }

    @Test("does not tell that there is room from within a write, also of more than there is room for")
    func reentrancy() async throws {
        var settings = WebSettings()
        settings.writeHighWater = .kibibytes(16)
        try await ServerHarness.run(settings, isTLS: true) { harness in
            #expect(try await curl("", ["/m/flood"], harness).utf8.count == 8_000_000)
            let notes = try await harness.notes()
            #expect(notes.contains("writable") && !notes.contains("writable within a write"))
        }
    }

    @Test("serves many streams of one connection at once, of which one waits")
    func multiplexing() async throws {
        try await ServerHarness.run(isTLS: true) { harness in
            let paths = ["/m/wait"] + (0..<20).map { "/m/\($0)" } + ["/m/release"]
            let text = try await curl("-Z --parallel-max 30", paths, harness)
            #expect(text.contains("waited 1") && text.contains("released"))
            for index in 0..<20 { #expect(text.contains("echo /m/\(index) true")) }
        }
    }

    @Test("tells the responder when a waiting viewer leaves")
    func cancelling() async throws {
        try await ServerHarness.run(isTLS: true) { harness in
            await #expect(throws: ShellFailure.self) {
                try await curl("--max-time 0.5 --stderr /dev/null", ["/m/wait"], harness)
            }
            try await eventually("it is noticed") { harness.log.entries == ["cancelled"] }
        }
    }

    @Test("answers who waits, and then ends with its connections, when it stops")
    func stopping() async throws {
        try await ServerHarness.run(isTLS: true) { harness in
            async let text = curl("", ["/m/wait"], harness)
            try await eventually("it waits") { try await harness.waiting() == 1 }
            let other = try await harness.connect()
            async let stopped: Void = harness.server.stop(within: .seconds(30))
            #expect(await other.rest() == "")
            try await harness.answerWaiting()
            #expect(try await text == "waited 1")
            await stopped
            #expect(harness.server.connections == 0)
        }
    }

    @Test("ends a connection behind an answer that is to be the last, and behind the streams that are open")
    func lastAnswer() async throws {
        try await ServerHarness.run(isTLS: true) { harness in
            let client = try await harness.connectHTTP2()
            try await client.send(RawFrame.get("/m/wait", on: 1) + RawFrame.get("/m/last", on: 3))
            #expect(await client.read(upTo: "the last").hasSuffix("the last"))
            #expect(harness.server.connections == 1)
            try await harness.answerWaiting()
            #expect(await client.rest().contains("waited 1"))
            try await eventually("it is gone") { harness.server.connections == 0 }
        }
    }

    @Test("ends a connection that resets more streams than it may, and only then")
    func rapidReset() async throws {
        var settings = WebSettings()
        settings.maximumResets = 10
        try await ServerHarness.run(settings, isTLS: true) { harness in
            let client = try await harness.connectHTTP2()
            for stream in stride(from: 1 as UInt32, to: 21, by: 2) {
                try await client.send(RawFrame.get("/m/wait", on: stream) + RawFrame.reset(stream))
            }
            try await client.send(RawFrame.get("/m/1", on: 21))
            #expect(await client.read(upTo: "echo /m/1 true").hasSuffix("echo /m/1 true"))
            try await client.send(RawFrame.get("/m/wait", on: 23) + RawFrame.reset(23))
            _ = await client.rest()
            try await eventually("it is gone") { harness.server.connections == 0 }
            #expect(harness.log.entries.filter { $0 == "cancelled" }.count == 11)
        }
    }

    @Test("takes heads up to their limit", arguments: [(3000, true), (5000, false)])
    func largeHead(length: Int, isTaken: Bool) async throws {
        var settings = WebSettings()
        settings.maximumHead = .kibibytes(4)
        try await ServerHarness.run(settings, isTLS: true) { harness in
            let field = "-i -H 'X: \(String(repeating: "x", count: length))'"
            let texts = [try await curl(field, ["/m/1"], harness), try await curl(field, ["/page"], harness)]
            for text in texts { #expect(text.hasPrefix(isTaken ? "HTTP/2 200" : "HTTP/2 431")) }
            #expect(harness.log.entries.filter { $0 == "refused headTooLarge" }.count == (isTaken ? 0 : 2))
        }
    }

    @Test("cuts a stream whose viewer has stopped taking it, and leaves the others be")
    func stalling() async throws {
        var settings = WebSettings()
        settings.stallTimeout = .milliseconds(600)
        try await ServerHarness.run(settings, isTLS: true) { harness in
            let client = try await harness.connectHTTP2()
            try await client.send(RawFrame.get("/m/flood", on: 1) + RawFrame.get("/m/wait", on: 3))
            try await eventually("it is cut") { harness.log.entries == ["timed out stalled", "cancelled"] }
            #expect(try await harness.waiting() == 1)
            #expect(harness.server.connections == 1)
        }
    }

    private func curl(_ arguments: String, _ paths: [String], _ harness: ServerHarness) async throws -> String {
        let output = FileManager.default.temporaryDirectory.path + "/millrace-\(UInt64.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: output) }
        let urls = paths.map { "'https://edge.test:\(harness.port)\($0)'" }.joined(separator: " ")
        try await run(
            "curl -sS --http2 --max-time 30 --cacert \(harness.certificate ?? "") "
                + "--resolve edge.test:\(harness.port):127.0.0.1 \(arguments) \(urls) > \(output)"
        )
        return String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self)
    }
}
