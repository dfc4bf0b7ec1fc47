// SPDX-License-Identifier: Apache-2.0

import Bytes

/// One line: its letter, its value, its number. Only lines of ASCII come here: what we read of SDP is nothing else.
struct SDPLine {
    let number: Int
    let letter: UInt8
    let value: Substring

    /// The lines of a text whose ends are CRLF or LF. Empty lines, and those with letters beyond ASCII, are left out.
    static func lines(of bytes: ByteSlice, longest: ByteCount) throws(SDPFailure) -> [SDPLine] {
        var lines: [SDPLine] = []
        var (number, rest) = (0, bytes)
        while !rest.isEmpty {
            number += 1
            let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
            var line = rest[..<end]
            rest = end < rest.endIndex ? rest[(end + 1)...] : []
            while line.last == 0x0D || line.last == 0x20 { line.removeLast() }
            if line.isEmpty { continue }
            guard line.count <= longest.bytes else { throw .lineTooLong(line: number) }
            guard line.count >= 2, line[line.startIndex + 1] == UInt8(ascii: "="), line.allSatisfy(isPrintable) else {
                throw .unreadable(line: number)
            }
            guard line.allSatisfy({ $0 < 0x80 }) else { continue }
            let text = String(decoding: line.dropFirst(2), as: UTF8.self)
            lines.append(SDPLine(number: number, letter: line[line.startIndex], value: text[...].trimmed))
        }
        return lines
    }

    /// An attribute's name and what follows its colon.
    var attribute: (name: Substring, value: Substring) {
        guard let colon = value.utf8.firstIndex(of: UInt8(ascii: ":")) else { return (value, "") }
        return (value[..<colon].trimmed, value[value.utf8.index(after: colon)...].trimmed)
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F }
}

extension Substring {
    /// Whether it is a token of RFC 8866 §9, of at most 256 characters.
    var isToken: Bool {
        !isEmpty && utf8.count <= 256
            && utf8.allSatisfy { byte in
                switch byte {
                case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x30...0x39, 0x41...0x5A, 0x5E...0x7E: true
                default: false
                }
            }
    }

    /// Whether it is the name of a stream of simulcast, RFC 8851 §10; of at most 64 characters.
    var isRID: Bool {
        !isEmpty && utf8.count <= 64
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
