// SPDX-License-Identifier: Apache-2.0

import Testing
import WebServer

@Suite("A request head decoder")
struct RequestHeadDecoderTests {
    @Test("reads what the door needs")
    func fields() throws {
        let text =
            "GET /live/a/media.m3u8?_HLS_msn=7 HTTP/1.1\r\nHost: edge.example:8080\r\nAccept-Encoding: br, gzip;q=0.5\r\n"
            + "RANGE: bytes=2-5\r\nif-none-match: \"a\", W/\"b\"\r\nAuthorization:Bearer x\r\nOrigin:\t https://p \t\r\n"
            + "User-Agent: AppleCoreMedia/1.0\r\nX-Playback-Session-ID: 5F1D\r\nX-Forwarded-For: 1.2.3.4\r\n"
            + "TraceParent: 00-1-2-01\r\n\r\nGET /next"
        let head = try #require(try decode(text))
        #expect(head.method == .get)
        #expect(slice(text, head.target) == "/live/a/media.m3u8?_HLS_msn=7")
        #expect(head.acceptsGzip)
        #expect(head.range == .span(2, 5))
        #expect(head.ifNoneMatch.map { slice(text, $0) } == "\"a\", W/\"b\"")
        #expect(head.authorization.map { slice(text, $0) } == "Bearer x")
        #expect(head.origin.map { slice(text, $0) } == "https://p")
        #expect(head.userAgent.map { slice(text, $0) } == "AppleCoreMedia/1.0")
        #expect(head.playbackSession.map { slice(text, $0) } == "5F1D")
        #expect(head.traceParent.map { slice(text, $0) } == "00-1-2-01")
        #expect(head.isForwarded)
        #expect(head.keepsAlive)
        #expect(!head.hasBody)
        #expect(head.length == text.utf8.count - 9)
    }

    @Test("finds all that CDN-Loop says, however many lines it has")
    func loop() throws {
        let one = "GET / HTTP/1.1\r\nHost: a\r\ncdn-loop: x; v=\"1,2\", y \r\nAccept: b\r\n"
        let head = try #require(try decode(one + "\r\n"))
        #expect(head.loop.map { slice(one, $0) } == "x; v=\"1,2\", y")
        let three = one + "CDN-Loop: z\r\nCDN-LOOP:\r\n\r\n"
        let other = try #require(try decode(three))
        let text = try #require(other.loop.map { slice(three, $0) })
        #expect(text.hasPrefix("x; v=") && text.contains("CDN-Loop: z"))
        #expect(try decode("GET / HTTP/1.1\r\nHost: a\r\nCDN-Loops: x\r\n\r\n")?.loop == nil)
    }

    @Test(
        "knows whether the connection goes on",
        arguments: [
            ("HTTP/1.1\r\nHost: a", true), ("HTTP/1.0\r\nHost: a", false), ("HTTP/1.0", false),
            ("HTTP/1.0\r\nConnection: Keep-Alive", true), ("HTTP/1.1\r\nHost: a\r\nConnection: close", false),
            ("HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Close", false),
            ("HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive", false),
            ("HTTP/1.1\r\nHost: a\r\nConnection: upgrade", true),
        ]
    )
    func persistence(rest: String, keepsAlive: Bool) throws {
        #expect(try decode("GET / \(rest)\r\n\r\n")?.keepsAlive == keepsAlive)
    }

    @Test(
        "takes targets of all forms",
        arguments: [
            ("GET /a?b HTTP/1.1", RequestHead.Form.origin, "/a?b"), ("GET http://h:1/x HTTP/1.1", .absolute, "/x"),
            ("GET HTTPS://h HTTP/1.1", .absolute, ""), ("OPTIONS * HTTP/1.1", .asterisk, "*"),
            ("CONNECT h:443 HTTP/1.1", .authority, "h:443"), ("GET //a HTTP/1.1", .origin, "//a"),
        ]
    )
    func forms(line: String, form: RequestHead.Form, target: String) throws {
        let text = line + "\r\nHost: h\r\n\r\n"
        let head = try #require(try decode(text))
        #expect(head.form == form)
        #expect(slice(text, head.target) == target)
    }

    @Test(
        "reads weights of gzip",
        arguments: [
            ("gzip", true), ("x-gzip", true), ("*", true), ("br", false), ("", false), ("gzip;q=0", false),
            ("gzip; q=0.000", false), ("gzip;q=0.001", true), ("*;q=0, gzip", true), ("gzip;q=0, *", false),
            ("deflate, GZIP ;q=1", true), (",, ,gzip", true),
        ]
    )
    func gzip(value: String, accepts: Bool) throws {
        #expect(try decode("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: \(value)\r\n\r\n")?.acceptsGzip == accepts)
    }

    @Test(
        "reads one range of bytes, and nothing else",
        arguments: [
            ("bytes=0-0", ByteRange.span(0, 0)), ("Bytes=5-", .from(5)), ("bytes=-7", .suffix(7)),
            ("bytes=99999999999999999999-", .from(.max)), ("bytes=5-4", nil), ("bytes=0-1,3-4", nil), ("bytes=-", nil),
            ("bytes=a-b", nil), ("bytes 0-1", nil), ("lines=0-1", nil), ("bytes=", nil), ("bytes=1", nil),
            ("bytes=+1-2", nil),
        ] as [(String, ByteRange?)]
    )
    func ranges(value: String, range: ByteRange?) throws {
        #expect(try decode("GET / HTTP/1.1\r\nHost: a\r\nRange: \(value)\r\n\r\n")?.range == range)
    }

    @Test(
        "resolves ranges against a length",
        arguments: [
            (ByteRange.span(0, 0), 10, 0..<1), (.span(5, 99), 10, 5..<10), (.from(9), 10, 9..<10), (.from(10), 10, nil),
            (.suffix(3), 10, 7..<10), (.suffix(99), 10, 0..<10), (.suffix(0), 10, nil), (.from(0), 0, nil),
            (.span(3, .max), 10, 3..<10),
        ] as [(ByteRange, Int, Range<Int>?)]
    )
    func resolving(range: ByteRange, length: Int, place: Range<Int>?) {
        #expect(range.resolved(in: length) == place)
    }

    @Test("refuses what could be read in two ways", arguments: SmugglingCorpus.refused)
    func refusals(case it: SmugglingCorpus.Refused) {
        #expect(throws: it.refusal) { try decode(it.text) }
    }

    @Test(
        "says the same, byte by byte, as at once",
        arguments: SmugglingCorpus.refused.map(\.text) + SmugglingCorpus.taken)
    func byteByByte(text: String) {
        let bytes = Array(text.utf8)
        var decoder = RequestHeadDecoder(maximumLength: 16_384)
        let whole = Result { () throws(RequestRefusal) in try decode(text) }
        var parts = Result<RequestHead?, RequestRefusal>.success(nil)
        for count in 1...bytes.count {
            parts = Result { () throws(RequestRefusal) in try decoder.decode(bytes.span.extracting(first: count)) }
            if case .success(nil) = parts { continue }
            break
        }
        #expect(parts == whole)
    }

    @Test("waits at every byte of a good head", arguments: SmugglingCorpus.taken)
    func truncation(text: String) throws {
        let head = try #require(try decode(text))
        for count in 0..<head.length {
            #expect(try decode(String(text.utf8.prefix(count)) ?? "") == nil, "at \(count)")
        }
    }

    @Test("survives flipped bits", arguments: SmugglingCorpus.taken)
    func flips(text: String) {
        for index in text.utf8.indices.map({ text.utf8.distance(from: text.startIndex, to: $0) }) {
            for bit in 0..<8 {
                var bytes = Array(text.utf8)
                bytes[index] ^= 1 << bit
                var decoder = RequestHeadDecoder(maximumLength: 16_384)
                if let head = try? decoder.decode(bytes.span) { #expect(head.length <= bytes.count) }
            }
        }
    }

    @Test("takes a head of exactly the limit and refuses one byte more", arguments: [(0, true), (1, false)])
    func limit(excess: Int, isTaken: Bool) throws {
        let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
        let text = frame.replacing("X: ", with: "X: " + String(repeating: "y", count: 500 - frame.utf8.count + excess))
        var decoder = RequestHeadDecoder(maximumLength: 500)
        let bytes = Array(text.utf8)
        if isTaken {
            #expect(try decoder.decode(bytes.span)?.length == 500)
        } else {
            #expect(throws: RequestRefusal.headTooLarge) { try decoder.decode(bytes.span) }
        }
    }

    @Test("refuses a first line that fills the limit, and too many lines")
    func excess() {
        let long = "GET /" + String(repeating: "a", count: 20_000)
        #expect(throws: RequestRefusal.targetTooLong) { try decode(long) }
        let many = "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "a: b\r\n", count: 100)
        #expect(throws: RequestRefusal.tooManyFields) { try decode(many) }
    }

    private func decode(_ text: String) throws(RequestRefusal) -> RequestHead? {
        let bytes = Array(text.utf8)
        var decoder = RequestHeadDecoder(maximumLength: 16_384)
        return try decoder.decode(bytes.span)
    }

    private func slice(_ text: String, _ range: Range<Int>) -> String {
        String(decoding: Array(text.utf8)[range], as: UTF8.self)
    }
}
