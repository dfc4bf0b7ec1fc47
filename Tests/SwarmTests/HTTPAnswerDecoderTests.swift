// SPDX-License-Identifier: Apache-2.0

import Bytes
import Swarm
import Testing

@Suite("A decoder of HTTP answers") struct HTTPAnswerDecoderTests {
    private static let answers: [(text: String, answer: HTTPAnswer)] = [
        (
            "HTTP/1.1 200 OK\r\nContent-Type: x\r\ncontent-LENGTH:  5 \r\n\r\nhello",
            HTTPAnswer(status: 200, body: Array("hello".utf8)[...], size: .bytes(5))
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n3\r\n yo\r\n0\r\nTrailer: 1\r\n\r\n",
            HTTPAnswer(status: 200, body: Array("hello yo".utf8)[...], size: .bytes(8))
        ),
        (
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
            HTTPAnswer(status: 404, body: [], size: .bytes(0))
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", HTTPAnswer(status: 204, body: [], size: .bytes(0))),
        (
            "HTTP/1.0 503 Busy\nRetry-After: 1\nConnection: keep-alive\nContent-Length: 2\n\nno",
            HTTPAnswer(status: 503, body: Array("no".utf8)[...], size: .bytes(2))
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx",
            HTTPAnswer(status: 200, body: Array("x".utf8)[...], size: .bytes(1), isLast: true)
        ),
    ]

    @Test("reads what servers say, in pieces of any size", arguments: 1...80)
    func pieces(_ size: Int) throws {
        let bytes = Self.answers.flatMap { Array($0.text.utf8) }
        var decoder = HTTPAnswerDecoder()
        var found: [HTTPAnswer] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            found += try decoder.all(bytes[start..<min(start + size, bytes.count)])
        }
        #expect(found == Self.answers.map(\.answer))
        #expect(decoder.finish() == nil)
    }

    @Test("only counts a body that nobody wants")
    func counting() throws {
        var decoder = HTTPAnswerDecoder(keepsBodies: false)
        for (text, answer) in Self.answers {
            let found = try decoder.all(Array(text.utf8)[...])
            #expect(found.map(\.size) == [answer.size])
            #expect(found.map(\.body) == [[]])
        }
    }

    @Test("takes the connection's end for the end of a body without a length")
    func toTheEnd() throws {
        var decoder = HTTPAnswerDecoder()
        #expect(try decoder.all(Array("HTTP/1.1 200 OK\r\n\r\nhel".utf8)[...]) == [])
        #expect(try decoder.all(Array("lo".utf8)[...]) == [])
        let answer = HTTPAnswer(status: 200, body: Array("hello".utf8)[...], size: .bytes(5), isLast: true)
        #expect(decoder.finish() == answer)
    }

    @Test(
        "refuses what is no answer",
        arguments: [
            ("SSH-2.0-x\r\n", .statusLine), ("HTTP/1.1 20\r\n", .statusLine), ("HTTP/2.0 200 OK\r\n", .statusLine),
            ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", .length),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999\r\n", .length),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n", .length),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", .chunk),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFF\r\n", .chunk),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", .chunk),
            (String(repeating: "x", count: 20_000), .headLength),
            ("HTTP/1.1 200 OK\r\n" + String(repeating: "a: b\r\n", count: 5000), .headLength),
        ] as [(String, HTTPFailure)])
    func refusals(_ text: String, _ failure: HTTPFailure) {
        var decoder = HTTPAnswerDecoder()
        #expect(throws: failure) { try decoder.all(Array(text.utf8)[...]) }
    }

    @Test("survives any byte changed to any other")
    func flips() {
        let bytes = Self.answers.flatMap { Array($0.text.utf8) }
        for position in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[position] ^= 1 << bit
                var decoder = HTTPAnswerDecoder()
                _ = try? decoder.all(changed[...])
            }
        }
    }
}

extension HTTPAnswerDecoder {
    fileprivate mutating func all(_ bytes: ByteSlice) throws -> [HTTPAnswer] {
        let copy = Array(bytes)
        var answers: [HTTPAnswer] = []
        try copy.withUnsafeBytes { buffer in
            var input = buffer
            while let answer = try next(&input) { answers.append(answer) }
        }
        return answers
    }
}
