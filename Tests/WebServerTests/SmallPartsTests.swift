// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import NIOCore
import NIOEmbedded
import Testing
import WebServer

@Suite("A date of HTTP")
struct HTTPDateTests {
    @Test(
        "is written as the standard shows it",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"), (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ]
    )
    func writing(seconds: Int64, text: String) {
        #expect(HTTPDate(seconds: seconds).description == text)
    }
}

@Suite("A gzip encoder")
struct GzipEncoderTests {
    @Test("writes what gunzip reads, the same each time")
    func roundTrip() async throws {
        let encoder = GzipEncoder()
        let text = String(repeating: "#EXTINF:2.00000,\n4821.m4s\n", count: 400)
        let packed = encoder.encode(ByteBuffer(string: text))
        #expect(packed.readableBytes < 300)
        #expect(encoder.encode(ByteBuffer(string: text)) == packed)
        #expect(GzipEncoder().encode(ByteBuffer(string: text)) == packed)
        let path = FileManager.default.temporaryDirectory.path + "/millrace-\(UInt64.random(in: 0 ... .max))"
        try Data(packed.readableBytesView).write(to: URL(filePath: path + ".gz"))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await run("gunzip \(path).gz")
        #expect(try String(contentsOf: URL(filePath: path), encoding: .utf8) == text)
    }

    @Test("takes nothing")
    func empty() { #expect(GzipEncoder(level: 1).encode(ByteBuffer()).readableBytes == 20) }
}

@Suite("A wait list")
struct WaitListTests {
    @Test("keeps the order of arrival, whoever leaves")
    func order() throws {
        let doors = try (0..<5).map { _ in try DoorHarness() }
        let list = WaitList()
        let exchanges = try doors.map { door in
            try door.send("GET /m/wait HTTP/1.1\r\nHost: a\r\n\r\n")
            return try #require(door.responder.waiting.popFirst())
        }
        for (tag, exchange) in exchanges.enumerated() {
            exchange.tag = tag
            list.append(exchange)
        }
        for leaver in [0, 2, 4] { #expect(list.remove(exchanges[leaver])) }
        #expect(!list.remove(exchanges[2]))
        list.append(exchanges[0])
        var left: [Int] = []
        while let exchange = list.popFirst() { left.append(exchange.tag) }
        #expect(left == [1, 3, 0])
        #expect(list.isEmpty)
    }
}
