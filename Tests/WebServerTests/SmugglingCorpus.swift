// SPDX-License-Identifier: Apache-2.0

import Testing
import WebServer

/// Heads that two readers might understand differently, and heads that all understand.
enum SmugglingCorpus {
    struct Refused: Sendable, CustomTestStringConvertible {
        let text: String
        let refusal: RequestRefusal
        var testDescription: String { text.debugDescription }

        init(_ text: String, _ refusal: RequestRefusal) {
            self.text = text
            self.refusal = refusal
        }
    }

    static let refused: [Refused] = lines + targets + fields + lengths

    private static let lines = [
        Refused("GET /m/a HTTP/1.1\nHost: a\n\n", .malformedLine),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\n\r\n", .malformedLine),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\n\n", .malformedLine),
        Refused("GET /m/a\r\n\r\n", .malformedLine),
        Refused("GET  /m/a HTTP/1.1\r\nHost: a\r\n\r\n", .malformedLine),
        Refused("GET /m/a  HTTP/1.1\r\nHost: a\r\n\r\n", .malformedLine),
        Refused("GET /m/a HTTP/1.1 \r\nHost: a\r\n\r\n", .malformedLine),
        Refused(" GET /m/a HTTP/1.1\r\nHost: a\r\n\r\n", .malformedLine),
        Refused("GET\t/m/a\tHTTP/1.1\r\nHost: a\r\n\r\n", .malformedLine),
        Refused("GET /m/a http/1.1\r\nHost: a\r\n\r\n", .malformedLine),
        Refused("GET /m/a HTTP/1.10\r\nHost: a\r\n\r\n", .malformedLine),
        Refused("GET /m/a HTTP/11\r\nHost: a\r\n\r\n", .malformedLine),
        Refused("GET /m/a HTTP/0.9\r\nHost: a\r\n\r\n", .unsupportedVersion),
        Refused("GET /m/a HTTP/1.2\r\nHost: a\r\n\r\n", .unsupportedVersion),
        Refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
        Refused("G\u{0}T /m/a HTTP/1.1\r\nHost: a\r\n\r\n", .malformedLine),
        Refused("GE(T /m/a HTTP/1.1\r\nHost: a\r\n\r\n", .malformedLine),
        Refused("\r\n\r\nGET /m/a HTTP/1.1\r\nHost: a\r\n\r\n", .malformedLine),
        Refused("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\n", .malformedLine),
    ]

    private static let targets = [
        Refused("GET m/a HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("GET /m/a#b HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("GET /m/\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("GET /m/\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("GET /m/\r/ HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("GET /m/ä HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("GET /m/\\a HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("GET ftp://h/m HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("GET http:///m HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("GET http://u@h/m HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("GET http://h?m HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
        Refused("CONNECT /m HTTP/1.1\r\nHost: a\r\n\r\n", .forbiddenTarget),
    ]

    private static let fields = [
        Refused("GET /m/a HTTP/1.1\r\n\r\n", .invalidHost),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .invalidHost),
        Refused("GET /m/a HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", .invalidHost),
        Refused("GET /m/a HTTP/1.1\r\nHost: a/b\r\n\r\n", .invalidHost),
        Refused("GET /m/a HTTP/1.1\r\nHost: a b\r\n\r\n", .invalidHost),
        Refused("GET /m/a HTTP/1.1\r\nHost: u@a\r\n\r\n", .invalidHost),
        Refused("GET /m/a HTTP/1.1\r\nHost : a\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\n Host: a\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\nX: y\r\n\tfolded\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\nX\u{0}: z\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\nX: \u{0}\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\nX: a\r\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\nX: \u{B}\r\n\r\n", .malformedField),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\nÄ: b\r\n\r\n", .malformedField),
    ]

    private static let lengths = [
        Refused("POST /m/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .ambiguousLength),
        Refused("GET /m/a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n", .ambiguousLength),
        Refused("POST /m/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", .ambiguousLength),
        Refused("POST /m/a HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", .ambiguousLength),
        Refused("POST /m/a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", .ambiguousLength),
        Refused("POST /m/a HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", .ambiguousLength),
        Refused("POST /m/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1 1\r\n\r\n", .ambiguousLength),
        Refused("POST /m/a HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .ambiguousLength),
        Refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", .ambiguousLength),
        Refused(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", .ambiguousLength),
        Refused(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            .ambiguousLength),
        Refused("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .ambiguousLength),
        Refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", .unknownTransferCoding),
        Refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", .unknownTransferCoding),
        Refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unknownTransferCoding),
        Refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{B}chunked\r\n\r\n", .malformedField),
        Refused("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", .malformedField),
    ]

    static let taken = [
        "GET /m/a HTTP/1.1\r\nHost: a\r\n\r\n",
        "\r\nGET /m/a HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD /m/a?b={x|y} HTTP/1.0\r\n\r\n",
        "GET http://h/m/a HTTP/1.1\r\nhOsT:a\r\nX:\r\nY: a:b \t\r\nRange: bytes=1-\r\n\r\n",
        "POST /api HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 3\r\n\r\nabc",
        "POST /api HTTP/1.1\r\nHost: \r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
        "DELETE /api HTTP/1.1\r\nHost: a\r\nConnection: close, x\r\nAccept-Encoding: gzip;q=0\r\n\r\n",
    ]
}
