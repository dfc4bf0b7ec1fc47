// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Writes the heads of answers as HTTP/1, RFC 9112 §4 and §5, into a buffer that is used again and again.
struct AnswerWriter {
    /// How the connection goes on: RFC 9112 §9.3.
    enum Persistence {
        /// HTTP/1.1, which goes on by itself.
        case implied
        /// HTTP/1.0, which goes on because it asked to.
        case explicit
        /// It ends.
        case closes
    }

    /// How the end of the body is told: RFC 9112 §6.
    enum Framing: Equatable {
        case chunked
        case length(Int)
        /// 304 has no body and says nothing of its length; 204 may not: RFC 9110 §8.6.
        case none
        case untilClose
    }

    /// Writes a head, with its empty line.
    static func write(
        status: Int, lines: [UInt8], dateLine: [UInt8], contentRange: (Range<Int>?, Int)? = nil, framing: Framing,
        persistence: Persistence, into buffer: inout ByteBuffer
    ) {
        buffer.writeBytes(StatusLines.line(status))
        buffer.writeBytes(dateLine)
        buffer.writeBytes(lines)
        if let (range, length) = contentRange {
            buffer.writeStaticString("Content-Range: bytes ")
            write(range, of: length, into: &buffer)
        }
        switch framing {
        case .chunked: buffer.writeStaticString("Transfer-Encoding: chunked\r\n")
        case .length(let length):
            buffer.writeStaticString("Content-Length: ")
            buffer.write(decimal: length)
            buffer.writeStaticString("\r\n")
        case .none, .untilClose: break
        }
        switch persistence {
        case .implied: buffer.writeStaticString("\r\n")
        case .explicit: buffer.writeStaticString("Connection: keep-alive\r\n\r\n")
        case .closes: buffer.writeStaticString("Connection: close\r\n\r\n")
        }
    }

    private static func write(_ range: Range<Int>?, of length: Int, into buffer: inout ByteBuffer) {
        if let range {
            buffer.write(decimal: range.lowerBound)
            buffer.writeStaticString("-")
            buffer.write(decimal: range.upperBound - 1)
        } else {
            buffer.writeStaticString("*")
        }
        buffer.writeStaticString("/")
        buffer.write(decimal: length)
        buffer.writeStaticString("\r\n")
    }
}

/// The first lines of answers, rendered once.
enum StatusLines {
    static func line(_ status: Int) -> [UInt8] { lines[status - 200] }

    /// The reason phrase, RFC 9110 §15; empty for statuses that we never send ourselves.
    static func reason(_ status: Int) -> String { reasons[status] ?? "" }

    private static let lines = (200...599).map { Array("HTTP/1.1 \($0) \(reason($0))\r\n".utf8) }
    private static let reasons = [
        200: "OK", 202: "Accepted", 204: "No Content", 206: "Partial Content", 302: "Found", 304: "Not Modified",
        307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
        403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout", 410: "Gone",
        414: "URI Too Long", 416: "Range Not Satisfiable", 417: "Expectation Failed", 429: "Too Many Requests",
        431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
        502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
        508: "Loop Detected",
    ]
}

extension ByteBuffer {
    /// Writes a number of 0 or more without making a string of it.
    mutating func write(decimal value: Int) {
        var divisor = 1
        while value / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            writeInteger(UInt8(truncatingIfNeeded: value / divisor % 10) + UInt8(ascii: "0"))
            divisor /= 10
        }
    }

    /// Writes the first line of a chunk, RFC 9112 §7.1.
    mutating func writeChunkLine(_ length: Int) {
        writeString(String(length, radix: 16))
        writeStaticString("\r\n")
    }

    /// The part of several buffers, one after the other, that lies in `range`: each piece shares its buffer's bytes.
    static func forEachPiece(of buffers: [ByteBuffer], in range: Range<Int>, _ body: (ByteBuffer) -> Void) {
        var offset = 0
        for buffer in buffers {
            let (start, end) = (max(range.lowerBound, offset), min(range.upperBound, offset + buffer.readableBytes))
            if start < end, let piece = buffer.getSlice(at: buffer.readerIndex + start - offset, length: end - start) {
                body(piece)
            }
            offset += buffer.readableBytes
        }
    }
}
