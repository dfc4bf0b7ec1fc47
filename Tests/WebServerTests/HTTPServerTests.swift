// SPDX-License-Identifier: Apache-2.0

import Bytes
import NIOCore
import TestKit
import Testing
import WebServer

@Suite("An HTTP server", .timeLimit(.minutes(2)))
struct HTTPServerTests {
    @Test("serves media, then pages, then media again on one connection", arguments: [false, true])
    func mixing(isTLS: Bool) async throws {
        try await ServerHarness.run(isTLS: isTLS) { harness in
            let client = try await harness.connect()
            try await client.send("GET /m/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await client.read(upTo: "echo /m/1 \(isTLS)").hasPrefix("HTTP/1.1 200 OK\r\n"))
            try await client.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await client.read(upTo: "page for true \(isTLS)").hasPrefix("HTTP/1.1 200 OK\r\n"))
            try await client.send("GET /m/2 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await client.read(upTo: "echo /m/2 \(isTLS)").contains("\r\nDate: "))
            try await client.send("GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(await client.rest().hasPrefix("HTTP/1.1 404 Not Found\r\n"))
            #expect(harness.log.entries.filter { $0 == "handed over http1" }.count == 1)
        }
    }

    @Test(
        "ends a connection behind an answer that is to be the last, also where the application has it",
        arguments: [("/m/last", false), ("/m/last", true), ("/m/last-stream", false), ("/m/last-stream", true)])
    func lastAnswer(path: String, isBehindPage: Bool) async throws {
        try await ServerHarness.run { harness in
            let client = try await harness.connect()
            if isBehindPage {
                try await client.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(await !client.read(upTo: "page for true false").lowercased().contains("connection: close"))
            }
            try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            let text = await client.rest()
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(text.lowercased().contains("\r\nconnection: close\r\n"))
            #expect(text.hasSuffix(path == "/m/last" ? "\r\n\r\nthe last" : "z\r\n0\r\n\r\n"))
            try await eventually("it is gone") { harness.server.connections == 0 }
        }
    }

    @Test("keeps the order of pipelined requests over a handover")
    func pipelining() async throws {
        try await ServerHarness.run { harness in
            let client = try await harness.connect()
            try await client.send(
                "GET /m/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /m/wait HTTP/1.1\r\nHost: a\r\n\r\n"
                    + "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 27\r\n\r\nGET /m/smuggled HTTP/1.1\r\n\r\n"
                    + "GET /m/2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            _ = await client.read(upTo: "echo /m/1 false")
            let other = try await harness.connect()
            try await other.send("GET /m/release HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await other.read(upTo: "released")
            let rest = await client.rest()
            let bodies = ["waited 1", "posted GET /m/smuggled HTTP/1.1\r\n", "echo /m/2 false"]
            let places = bodies.compactMap { rest.firstRange(of: $0)?.lowerBound }
            #expect(places.count == 3 && places == places.sorted())
            #expect(rest.split(separator: "HTTP/1.1 200 OK\r\n").count == 3)
        }
    }

    @Test("sees the same boundaries in the door and behind it", arguments: bodies)
    func boundaries(framing: String) async throws {
        try await ServerHarness.run { harness in
            let client = try await harness.connect()
            try await client.send("POST /echo HTTP/1.1\r\nHost: a\r\n\(framing)")
            try await client.send("GET /m/after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let text = await client.rest()
            #expect(text.contains("posted GET /m/x"))
            #expect(text.components("HTTP/1.1 ") == 2)
            #expect(text.hasSuffix("echo /m/after false"))
        }
    }

    @Test("refuses the smuggling corpus on the wire", arguments: SmugglingCorpus.refused)
    func smuggling(case it: SmugglingCorpus.Refused) async throws {
        try await ServerHarness.run { harness in
            let client = try await harness.connect()
            try await client.send(it.text + "GET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            let text = await client.rest()
            #expect(text.hasPrefix("HTTP/1.1 \(it.refusal.status) "))
            #expect(!text.contains("smuggled"))
        }
    }

    @Test("answers who closes its side right after asking")
    func halfClose() async throws {
        try await ServerHarness.run { harness in
            let client = try await harness.connect()
            try await client.send("GET /m/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            try await client.channel.close(mode: .output)
            #expect(await client.rest().hasSuffix("echo /m/1 false"))
        }
    }

    @Test("sends large bodies whole, with the connection ending after them", arguments: [false, true])
    func largeBody(isTLS: Bool) async throws {
        try await ServerHarness.run(isTLS: isTLS) { harness in
            let client = try await harness.connect()
            try await client.send("GET /m/big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let text = await client.rest()
            #expect(text.utf8.count > 300_000)
            #expect(text.hasSuffix(String(repeating: "c", count: 100_000)))
        }
    }

    @Test("streams as fast as the viewer reads, not faster")
    func flooding() async throws {
        try await ServerHarness.run { harness in
            let client = try await harness.connect()
            try await client.send("GET /m/flood HTTP/1.0\r\n\r\n")
            let text = await client.rest()
            #expect(text.utf8.count > 8_000_000)
            #expect(harness.log.entries == ["200 0 http1"] && harness.log.streamedBytes == 8_000_000)
        }
    }

    @Test("does not tell that there is room from within a write, also of more than there is room for")
    func reentrancy() async throws {
        var settings = WebSettings()
        settings.writeHighWater = .kibibytes(16)
        try await ServerHarness.run(settings) { harness in
            let client = try await harness.connect()
            try await client.send("GET /m/flood HTTP/1.0\r\n\r\n")
            #expect(await client.rest().utf8.count > 8_000_000)
            let notes = try await harness.notes()
            #expect(notes.contains("writable") && !notes.contains("writable within a write"))
        }
    }

    @Test("streams through the application's connections too")
    func bridgedFlood() async throws {
        try await ServerHarness.run { harness in
            let client = try await harness.connect()
            try await client.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await client.read(upTo: "page for true false")
            try await client.send("GET /m/flood HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let text = await client.rest()
            #expect(text.utf8.count > 8_000_000)
            #expect(text.hasSuffix("\r\n0\r\n\r\n"))
            #expect(harness.log.entries.last == "200 0 http1" && harness.log.streamedBytes == 8_000_000)
        }
    }

    @Test(
        "works out ranges and conditions behind the application too",
        arguments: [
            ("Range: bytes=-3", "206 Partial Content", "\r\n\r\nccc"),
            ("If-None-Match: \"v1\"", "304 Not Modified", ""),
            ("Range: bytes=300000-", "416 ", ""),
        ]
    )
    func bridgedConditions(field: String, status: String, end: String) async throws {
        try await ServerHarness.run { harness in
            let client = try await harness.connect()
            try await client.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await client.read(upTo: "page for true false")
            try await client.send("GET /m/big HTTP/1.1\r\nHost: a\r\n\(field)\r\nConnection: close\r\n\r\n")
            let text = await client.rest()
            #expect(text.hasPrefix("HTTP/1.1 \(status)"))
            #expect(text.hasSuffix(end))
        }
    }

    @Test("cuts a viewer that has stopped reading")
    func stalling() async throws {
        var settings = WebSettings()
        settings.stallTimeout = .milliseconds(600)
        try await ServerHarness.run(settings) { harness in
            let client = try await harness.connect(receiveBuffer: 4096)
            try await client.send("GET /m/flood HTTP/1.1\r\nHost: a\r\n\r\n")
            try await eventually("it is cut") { harness.log.entries == ["timed out stalled", "cancelled"] }
            try await eventually("it is gone") { harness.server.connections == 0 }
            try await client.channel.close()
        }
    }

    @Test("refuses a head that drips after a page as before one, and counts it")
    func slowHeadAfterPage() async throws {
        var settings = WebSettings()
        settings.headTimeout = .milliseconds(700)
        try await ServerHarness.run(settings) { harness in
            let client = try await harness.connect()
            try await client.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await client.read(upTo: "page for true false")
            try await client.send("GET /")
            let channel = client.channel
            let drip = channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(100)) { _ in
                channel.writeAndFlush(ByteBuffer(string: "G"), promise: nil)
            }
            #expect(await client.rest().hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
            drip.cancel()
            #expect(harness.log.entries == ["handed over http1", "refused slowHead"])
        }
    }

    @Test("closes who asks for nothing after a page, and not who waits there")
    func idleAfterPage() async throws {
        var settings = WebSettings()
        settings.idleTimeout = .seconds(3)
        try await ServerHarness.run(settings) { harness in
            let idle = try await harness.connect()
            try await idle.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await idle.read(upTo: "page for true false")
            let patient = try await harness.connect()
            try await patient.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\nGET /m/wait HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(await idle.rest() == "")
            let late = try await harness.connect()
            try await late.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await late.read(upTo: "page for true false")
            #expect(await late.rest() == "")
            try await harness.answerWaiting()
            #expect(await patient.read(upTo: "waited 1").hasSuffix("waited 1"))
            #expect(harness.log.entries.filter { $0 == "timed out idle" }.count == 2)
        }
    }

    @Test("cuts who has stopped reading behind a page too")
    func stallingAfterPage() async throws {
        var settings = WebSettings()
        settings.stallTimeout = .milliseconds(600)
        try await ServerHarness.run(settings) { harness in
            let client = try await harness.connect(receiveBuffer: 4096)
            try await client.send("GET /page HTTP/1.1\r\nHost: a\r\n\r\nGET /m/flood HTTP/1.1\r\nHost: a\r\n\r\n")
            let story = ["handed over http1", "timed out stalled", "cancelled"]
            try await eventually("it is cut") { harness.log.entries == story }
            try await eventually("it is gone") { harness.server.connections == 0 }
            try await client.channel.close()
        }
    }

    @Test("stops after the answers under way")
    func stopping() async throws {
        try await ServerHarness.run { harness in
            let idle = try await harness.connect()
            try await idle.send("GET /m/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await idle.read(upTo: "echo /m/1 false")
            let busy = try await harness.connect()
            try await busy.send("GET /m/flood HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await busy.read(upTo: "\r\n\r\n")
            async let stopped: Void = harness.server.stop(within: .seconds(60))
            #expect(await idle.rest() == "")
            #expect(await busy.rest().hasSuffix("0\r\n\r\n"))
            await stopped
            #expect(harness.server.connections == 0)
        }
    }

    private static let bodies = [
        "Content-Length: 15\r\n\r\nGET /m/x HTTP/1",
        "Transfer-Encoding: chunked\r\n\r\nf\r\nGET /m/x HTTP/1\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n8\r\nGET /m/x\r\n0\r\nTrailer: x\r\n\r\n",
    ]
}

extension String {
    /// How often a text is in this one.
    fileprivate func components(_ text: String) -> Int { ranges(of: text).count }
}
