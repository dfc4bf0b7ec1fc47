// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Telemetry
import Testing

@Suite("A log sink")
struct LogSinkTests {
    /// What `body` writes through a logger, each line once written.
    private func lines(_ format: LogFormat, level: Logger.Level = .info, _ body: (Logger) throws -> Void) rethrows
        -> [String]
    {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        let logger = Logger(label: "millrace.test") {
            LogSink(label: $0, level: level, format: format, descriptor: descriptor)
        }
        try body(logger)
        pipe.fileHandleForWriting.closeFile()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .dropLast().map(String.init)
    }

    @Test("writes one JSON object a line with the four keys first")
    func writesJSON() throws {
        let lines = lines(.json) { logger in
            logger.info(
                "listening",
                metadata: [
                    "port": .stringConvertible(1935), "tls": .stringConvertible(false), "time": "shadowed",
                    "streams": ["live/a", "quote\"d \\ \n\u{1}\u{85}é"], "peer": ["address": "::1", "key": "hidden"],
                ]
            )
        }
        let line = try #require(lines.first)
        #expect(line.hasPrefix("{\"time\":\"20"))
        #expect(line.contains("Z\",\"level\":\"info\",\"message\":\"listening\",\"logger\":\"millrace.test\","))
        let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["port"] as? Int == 1935)
        #expect(object["tls"] as? Bool == false)
        #expect(object["_time"] as? String == "shadowed")
        #expect(object["streams"] as? [String] == ["live/a", "quote\"d \\ \n\u{1}\u{85}é"])
        #expect(object["peer"] as? [String: String] == ["address": "::1", "key": "redacted"])
    }

    @Test("writes text with aligned levels and quoted values that need it")
    func writesText() throws {
        let lines = lines(.text) { logger in
            logger.warning(
                "two\nlines \u{1B}[31m", metadata: ["a": "plain", "b": "two words", "c": "", "d": "x=\"y\""])
        }
        let line = try #require(lines.first)
        #expect(lines.count == 1)
        #expect(
            line.dropFirst("2026-11-21T10:00:00.000Z ".count)
                == "warning  two\\nlines \\u001b[31m a=plain b=\"two words\" c=\"\" d=\"x=\\\"y\\\"\""
        )
    }

    @Test(
        "never writes a secret",
        arguments: ["token", "publish_token", "key", "stream-key", "Authorization", "clientSecret"])
    func redacts(_ key: String) {
        for format in [LogFormat.text, .json] {
            let lines = lines(format) { $0.error("refused", metadata: [key: "s3cret", "peer": [key: "s3cret"]]) }
            #expect(lines.count == 1)
            #expect(!lines[0].contains("s3cret") && lines[0].contains("redacted"))
        }
    }

    @Test("leaves out what is below its level and merges the logger's metadata with the call's")
    func merges() {
        let lines = lines(.text, level: .notice) { logger in
            var logger = logger
            logger[metadataKey: "stream"] = "live/a"
            logger[metadataKey: "node"] = "n1"
            logger.info("unseen")
            logger.notice("seen", metadata: ["stream": "live/b"])
        }
        #expect(lines.count == 1)
        #expect(lines[0].hasSuffix("seen node=n1 stream=live/b"))
    }

    @Test("does not interleave lines of many threads, also when the pipe is full")
    func doesNotInterleave() async throws {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        let logger = Logger(label: "t") { LogSink(label: $0, level: .info, format: .json, descriptor: descriptor) }
        let padding = String(repeating: "x", count: 9000)
        let (texts, reader) = AsyncStream.makeStream(of: String.self)
        // A thread of its own: writers that block on the full pipe may hold every thread of the task pool.
        Thread.detachNewThread {
            reader.yield(String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self))
            reader.finish()
        }
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<2 {
                group.addTask {
                    for _ in 0..<40 { logger.info("line", metadata: ["writer": "\(writer)", "padding": "\(padding)"]) }
                }
            }
        }
        pipe.fileHandleForWriting.closeFile()
        let lines = await texts.first { _ in true }?.split(separator: "\n") ?? []
        let counts = try lines.map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?["lines"] as? Int ?? 1  // A reader that gets no time for long enough loses some.
        }
        #expect(counts.reduce(0, +) == 80)
    }

    @Test("gives up on a pipe that nobody reads, and says later how many lines were lost", arguments: [100, 9000])
    func fullPipe(padding: Int) throws {
        let pipe = Pipe()
        let descriptor = pipe.fileHandleForWriting.fileDescriptor
        let logger = Logger(label: "t") { LogSink(label: $0, level: .info, format: .json, descriptor: descriptor) }
        let text = String(repeating: "x", count: padding)
        let start = ContinuousClock.now
        for number in 0..<2000 { logger.info("line", metadata: ["number": "\(number)", "padding": "\(text)"]) }
        #expect(ContinuousClock.now - start < .seconds(60))
        var bytes = Data()
        while let more = try available(pipe) { bytes += more }
        logger.info("room")
        pipe.fileHandleForWriting.closeFile()
        bytes += pipe.fileHandleForReading.readDataToEndOfFile()
        let lines = bytes.split(separator: UInt8(ascii: "\n")).compactMap {
            try? JSONSerialization.jsonObject(with: Data($0)) as? [String: Any]
        }
        let written = lines.filter { $0["message"] as? String == "line" }.count
        let notice = try #require(lines.dropLast().last)
        #expect(lines.last?["message"] as? String == "room")
        #expect(notice["message"] as? String == "log lines lost" && notice["level"] as? String == "warning")
        #expect(notice["lines"] as? Int == 2000 - written)
    }

    /// What the pipe holds now.
    private func available(_ pipe: Pipe) throws -> Data? {
        var ready = pollfd(fd: pipe.fileHandleForReading.fileDescriptor, events: Int16(POLLIN), revents: 0)
        return poll(&ready, 1, 0) == 1 ? pipe.fileHandleForReading.availableData : nil
    }
}
