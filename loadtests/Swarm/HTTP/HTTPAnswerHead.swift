// SPDX-License-Identifier: Apache-2.0

import Bytes

/// What a decoder must know of an answer's head.
struct HTTPAnswerHead: Sendable {
    /// 0 until the status line is read.
    let status: Int
    private(set) var length: Int?
    private(set) var isChunked = false
    private(set) var location: String?
    var isLast = false
    private var size = 0

    init(status: Int) { self.status = status }

    /// RFC 9112 §4: `HTTP/1.x SSS reason`. A server of HTTP/1.0 closes behind its answer unless it says otherwise.
    init(statusLine line: ByteSlice) throws(HTTPFailure) {
        let code = line.dropFirst(9).prefix(3)
        guard line.starts(with: "HTTP/1.".utf8), line.count >= 12, line[line.startIndex + 8] == UInt8(ascii: " "),
            let status = Int(String(decoding: code, as: UTF8.self)), (100...999).contains(status)
        else { throw .statusLine }
        self.status = status
        isLast = line[line.startIndex + 7] == UInt8(ascii: "0")
    }

    mutating func take(field line: ByteSlice) throws(HTTPFailure) {
        size += line.count
        guard size <= Self.longest else { throw .headLength }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = line[..<colon]
        if Self.matches(name, "content-length") {
            guard length == nil, let value = Self.number(Self.trimmed(line[(colon + 1)...])) else { throw .length }
            length = value
        } else if Self.matches(name, "transfer-encoding") {
            isChunked = Self.matches(Self.trimmed(line[(colon + 1)...]), "chunked")
        } else if Self.matches(name, "location") {
            location = String(decoding: Self.trimmed(line[(colon + 1)...]), as: UTF8.self)
        } else if Self.matches(name, "connection") {
            let value = Self.trimmed(line[(colon + 1)...])
            if Self.matches(value, "close") { isLast = true }
            if Self.matches(value, "keep-alive") { isLast = false }
        }
    }

    /// Whether bytes are this text of lower-case letters, in any case.
    private static func matches(_ bytes: ByteSlice, _ text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { wanted in
            zip(bytes, wanted).allSatisfy { $0 == $1 || $0 | 0x20 == $1 && $0 & 0xC0 == 0x40 }
        }
    }

    private static func trimmed(_ bytes: ByteSlice) -> ByteSlice {
        var bytes = bytes
        while let first = bytes.first, first == 32 || first == 9 { bytes.removeFirst() }
        while let last = bytes.last, last == 32 || last == 9 { bytes.removeLast() }
        return bytes
    }

    private static func number(_ digits: ByteSlice) -> Int? {
        guard !digits.isEmpty, digits.count <= 15, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 - 48) }
    }

    private static let longest = 16 << 10
}
