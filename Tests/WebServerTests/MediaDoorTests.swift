// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import Testing
import WebServer

@Suite("The door")
struct MediaDoorTests {
    @Test("answers a request for media from its bytes")
    func answering() throws {
        let door = try DoorHarness()
        try door.send("GET /m/x?y=1 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try door.received() == DoorHarness.answer("echo /m/x?y=1 false"))
        #expect(door.log.entries == ["200 19 http1"])
    }

    @Test("answers requests that come byte by byte, or many at once, all the same")
    func framing() throws {
        let requests = (0..<40).map { "GET /m/\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
        let answers = (0..<40).map { DoorHarness.answer("echo /m/\($0) false") }.joined()
        let atOnce = try DoorHarness()
        try atOnce.send(requests)
        #expect(try atOnce.received() == answers)
        let slowly = try DoorHarness()
        for byte in requests { try slowly.send(String(byte)) }
        #expect(try slowly.received() == answers)
    }

    @Test("answers in order while one request waits")
    func waiting() throws {
        let door = try DoorHarness()
        try door.send(
            "GET /m/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /m/wait HTTP/1.1\r\nHost: a\r\n\r\nGET /m/2 HTTP/1.1\r\n")
        try door.send("Host: a\r\n\r\nGET /m/wait HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try door.received() == DoorHarness.answer("echo /m/1 false"))
        door.responder.answerWaiting()
        #expect(try door.received() == DoorHarness.answer("waited 1") + DoorHarness.answer("echo /m/2 false"))
        door.responder.answerWaiting()
        #expect(try door.received() == DoorHarness.answer("waited 1"))
    }

    @Test(
        "goes on or ends as the request says",
        arguments: [
            ("HTTP/1.1\r\nHost: a", "", true),
            ("HTTP/1.1\r\nHost: a\r\nConnection: close", "Connection: close\r\n", false),
            ("HTTP/1.0", "Connection: close\r\n", false),
            ("HTTP/1.0\r\nConnection: keep-alive", "Connection: keep-alive\r\n", true),
        ]
    )
    func persistence(rest: String, connection: String, goesOn: Bool) throws {
        let door = try DoorHarness()
        try door.send("GET /m/x \(rest)\r\n\r\n")
        #expect(try door.received() == DoorHarness.answer("echo /m/x false", connection: connection))
        try door.send("GET /m/x \(rest)\r\n\r\n")
        #expect(try door.received().isEmpty == !goesOn)
        door.advance(by: .seconds(3))
        #expect(door.channel.isActive == goesOn)
    }

    @Test("ends behind an answer that is to be the last, and takes no request that follows")
    func lastAnswer() throws {
        let door = try DoorHarness()
        try door.send("GET /m/last HTTP/1.1\r\nHost: a\r\n\r\nGET /m/x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try door.received() == DoorHarness.answer("the last", connection: "Connection: close\r\n"))
        #expect(door.responder.notes == ["/m/last"])
        door.advance(by: .seconds(3))
        #expect(!door.channel.isActive)
    }

    @Test("sends the head of an answer to HEAD")
    func heads() throws {
        let door = try DoorHarness()
        try door.send("HEAD /m/big HTTP/1.1\r\nHost: a\r\n\r\nHEAD /m/stream HTTP/1.1\r\nHost: a\r\n\r\n")
        let text = try door.received()
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\nCache-Control: public, max-age=31536000, immutable\r\nETag: \"v1\""))
        #expect(text.contains("Content-Length: 300000\r\n\r\nHTTP/1.1 200 OK"))
        #expect(text.hasSuffix("Transfer-Encoding: chunked\r\n\r\n"))
    }

    @Test(
        "sends parts of a body",
        arguments: [
            ("bytes=99999-100000", 206, "bytes 99999-100000/300000", "ab"),
            ("bytes=-3", 206, "bytes 299997-299999/300000", "ccc"),
            ("bytes=299999-", 206, "bytes 299999-299999/300000", "c"), ("bytes=300000-", 416, "bytes */300000", ""),
        ]
    )
    func ranges(range: String, status: Int, content: String, body: String) throws {
        let door = try DoorHarness()
        try door.send("GET /m/big HTTP/1.1\r\nHost: a\r\nRange: \(range)\r\n\r\n")
        let text = try door.received()
        #expect(text.hasPrefix("HTTP/1.1 \(status) "))
        #expect(text.contains("Content-Range: \(content)\r\nContent-Length: \(body.utf8.count)\r\n\r\n"))
        #expect(text.hasSuffix("\r\n\r\n" + body))
    }

    @Test("sends large ranges over the edges of buffers")
    func largeRange() throws {
        let door = try DoorHarness()
        try door.send("GET /m/big HTTP/1.1\r\nHost: a\r\nRange: bytes=50000-249999\r\n\r\n")
        let body = try #require(try door.received().split(separator: "\r\n\r\n").last)
        let wanted = [("a", 50_000), ("b", 100_000), ("c", 50_000)].map { String(repeating: $0, count: $1) }
        #expect(body == wanted.joined())
    }

    @Test(
        "compares entity tags",
        arguments: [
            ("If-None-Match: \"v1\"", "304"), ("If-None-Match: \"x\", W/\"v1\"", "304"), ("If-None-Match: *", "304"),
            ("If-None-Match: \"v2\"", "200"), ("If-None-Match: \"v1\"\r\nRange: bytes=0-1", "304"),
            ("If-Range: \"v1\"\r\nRange: bytes=0-1", "206"), ("If-Range: \"v2\"\r\nRange: bytes=0-1", "200"),
            ("If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\nRange: bytes=0-1", "200"),
        ]
    )
    func conditions(fields: String, status: String) throws {
        let door = try DoorHarness()
        try door.send("GET /m/big HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n")
        let text = try door.received()
        #expect(text.hasPrefix("HTTP/1.1 \(status) "))
        if status == "304" { #expect(text.hasSuffix("\r\n\r\n") && !text.contains("Content-Length:")) }
    }

    @Test("tells viewers apart by address and playback session, or else by address and user agent")
    func identity() throws {
        let (phone, other) = ("User-Agent: Phone\r\n", "User-Agent: Other\r\n")
        let (one, two) = ("X-Playback-Session-Id: 1\r\n", "X-Playback-Session-Id: 2\r\n")
        let viewers = try ["", phone, other, phone + one, phone + two].map { try viewer($0) }
        #expect(Set(viewers).count == 5)
        #expect(try viewer(other + one + "Range: bytes=0-\r\n") == viewers[3])
        #expect(try viewer(phone) == viewers[1])
        #expect(try viewer(phone, peer: 0x7F00_0002) != viewers[1])
    }

    private func viewer(_ fields: String, peer: UInt32 = 0x7F00_0001) throws -> String {
        let door = try DoorHarness(peer: peer)
        try door.send("GET /m/viewer HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
        return try #require(door.responder.notes.last)
    }

    @Test("answers a preflight")
    func preflight() throws {
        let door = try DoorHarness()
        try door.send("OPTIONS /m/x HTTP/1.1\r\nHost: a\r\nOrigin: https://p\r\n\r\n")
        let text = try door.received()
        #expect(text.hasPrefix("HTTP/1.1 204 No Content\r\n"))
        #expect(text.contains("Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"))
        #expect(!text.contains("Content-Length:"))
    }

    @Test("refuses what is ambiguous with its status, and ends", arguments: SmugglingCorpus.refused)
    func refusing(case it: SmugglingCorpus.Refused) throws {
        let door = try DoorHarness()
        try door.send(it.text + "GET /m/smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        let text = try door.received()
        #expect(text.hasPrefix("HTTP/1.1 \(it.refusal.status) "))
        #expect(text.contains("Connection: close\r\n"))
        #expect(door.responder.notes.isEmpty)
        #expect(door.log.entries == ["refused \(it.refusal)"])
    }

    @Test(
        "refuses bodies and expectations on media",
        arguments: [
            ("Content-Length: 1", RequestRefusal.unexpectedBody), ("Transfer-Encoding: chunked", .unexpectedBody),
            ("Expect: 100-continue", .unexpectedExpectation),
        ]
    )
    func bodies(field: String, refusal: RequestRefusal) throws {
        let door = try DoorHarness()
        try door.send("GET /m/x HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")
        #expect(try door.received().hasPrefix("HTTP/1.1 \(refusal.status) "))
        #expect(door.log.entries == ["refused \(refusal)"])
    }

    @Test("takes a body of no bytes")
    func emptyBody() throws {
        let door = try DoorHarness()
        try door.send("GET /m/x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        #expect(try door.received() == DoorHarness.answer("echo /m/x false"))
    }
}

@Suite("The door, in time")
struct MediaDoorTimeTests {
    @Test("refuses a head that is not there within five seconds, however it drips")
    func slowHead() throws {
        let door = try DoorHarness()
        for byte in "GET /m/x H" {
            try door.send(String(byte))
            door.advance(by: .milliseconds(490))
            #expect(try door.received() == "")
        }
        door.advance(by: .milliseconds(600))
        #expect(try door.received().hasPrefix("HTTP/1.1 408 Request Timeout\r\n"))
        #expect(door.log.entries == ["refused slowHead"])
    }

    @Test("closes who asks for nothing, and not who waits")
    func idle() throws {
        let door = try DoorHarness()
        door.advance(by: .seconds(59))
        try door.send("GET /m/wait HTTP/1.1\r\nHost: a\r\n\r\n")
        door.advance(by: .seconds(300))
        #expect(door.channel.isActive)
        door.responder.answerWaiting()
        door.advance(by: .seconds(59))
        #expect(door.channel.isActive)
        door.advance(by: .seconds(2))
        #expect(!door.channel.isActive)
        #expect(door.log.entries.last == "timed out idle")
    }

    @Test("tells the responder when a waiting peer leaves")
    func cancelling() throws {
        let door = try DoorHarness()
        try door.send("GET /m/wait HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(door.responder.waiting.count == 1)
        _ = try door.channel.finish(acceptAlreadyClosed: true)
        #expect(door.responder.waiting.isEmpty)
        #expect(door.responder.notes == ["/m/wait", "cancelled"])
        #expect(door.log.entries == ["cancelled"])
    }

    @Test("looks at no further request while the peer does not read")
    func backpressure() throws {
        let door = try DoorHarness()
        door.channel.isWritable = false
        try door.send("GET /m/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try door.received() == "")
        door.channel.isWritable = true
        door.channel.pipeline.fireChannelWritabilityChanged()
        #expect(try door.received() == DoorHarness.answer("echo /m/1 false"))
    }

    @Test("reads no more than it may while a request waits, and goes on after")
    func readingAhead() throws {
        let door = try DoorHarness()
        let reads = ReadCounter()
        try door.channel.pipeline.syncOperations.addHandler(reads, position: .first)
        try door.send("GET /m/wait HTTP/1.1\r\nHost: a\r\n\r\n")
        door.channel.read()
        #expect(reads.count == 1)
        let request = "GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n"
        let count = 32 * 1024 / request.utf8.count + 1
        try door.send(String(repeating: request, count: count))
        door.channel.read()
        #expect(reads.count == 1)
        door.responder.answerWaiting()
        #expect(reads.count == 2)
        let answers = String(repeating: DoorHarness.answer("echo /m/x false"), count: count)
        #expect(try door.received() == DoorHarness.answer("waited 1") + answers)
    }

    @Test("streams in chunks to HTTP/1.1 and until its end to HTTP/1.0", arguments: [true, false])
    func streaming(isChunked: Bool) throws {
        let door = try DoorHarness()
        try door.send(isChunked ? "GET /m/stream HTTP/1.1\r\nHost: a\r\n\r\n" : "GET /m/stream HTTP/1.0\r\n\r\n")
        let head = try door.received()
        #expect(head.contains("Transfer-Encoding: chunked\r\n") == isChunked)
        #expect(head.contains("Connection: close\r\n") != isChunked)
        door.responder.write("0123456789abcdef!")
        #expect(try door.received() == (isChunked ? "11\r\n0123456789abcdef!\r\n" : "0123456789abcdef!"))
        door.responder.endStreams()
        #expect(try door.received() == (isChunked ? "0\r\n\r\n" : ""))
        try door.send("GET /m/x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try door.received() == (isChunked ? DoorHarness.answer("echo /m/x false") : ""))
    }

    @Test("cuts a stream that is aborted, without its last chunk")
    func aborting() throws {
        let door = try DoorHarness()
        try door.send("GET /m/stream HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try door.received()
        door.responder.abortStreams()
        #expect(try door.received() == "")
        #expect(!door.channel.isActive)
        #expect(door.responder.notes.last == "cancelled")
    }

    @Test("ends at once when told to stop between requests, and after the answer within one")
    func stopping() throws {
        let idle = try DoorHarness()
        idle.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        idle.advance(by: .seconds(3))
        #expect(!idle.channel.isActive)
        let busy = try DoorHarness()
        try busy.send("GET /m/wait HTTP/1.1\r\nHost: a\r\n\r\n")
        busy.channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        busy.advance(by: .seconds(3))
        #expect(busy.channel.isActive)
        busy.responder.answerWaiting()
        #expect(try busy.received() == DoorHarness.answer("waited 1", connection: "Connection: close\r\n"))
        busy.advance(by: .seconds(3))
        #expect(!busy.channel.isActive)
    }
}

/// Counts how often the connection is asked for more bytes.
private final class ReadCounter: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    private(set) var count = 0

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }
}
