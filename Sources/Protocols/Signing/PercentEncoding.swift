// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Percent encoding (RFC 3986 §2.1) as signatures want it: all but the unreserved characters, in upper case.
public enum PercentEncoding {
    /// Escapes a component: a query's name or value, a path's segment.
    public static func component(_ text: some StringProtocol) -> String { encoded(text, keeping: nil) }

    /// Escapes a path and keeps its slashes.
    public static func path(_ text: some StringProtocol) -> String { encoded(text, keeping: UInt8(ascii: "/")) }

    /// Takes the escapes out again; what is none stays as it is.
    public static func decoded(_ text: some StringProtocol) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let escaped = [UInt8](hex: String(decoding: rest.prefix(2), as: UTF8.self)),
                escaped.count == 1
            {
                bytes += escaped
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func encoded(_ text: some StringProtocol, keeping kept: UInt8?) -> String {
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if isUnreserved(byte) || byte == kept {
                encoded.append(byte)
            } else {
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// RFC 3986 §2.3.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static let digits = Array("0123456789ABCDEF".utf8)
}
