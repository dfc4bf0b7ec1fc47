// SPDX-License-Identifier: Apache-2.0

/// base64url without padding, RFC 4648 §5, for lengths that leave no spare bits: one text for each value.
enum Base64URL {
    /// Writes `bytes`, a multiple of three.
    static func text(_ bytes: [UInt8]) -> String {
        precondition(bytes.count.isMultiple(of: 3), "\(bytes.count) bytes would leave spare bits")
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count / 3 * 4)
        for index in stride(from: 0, to: bytes.count, by: 3) {
            let group = Int(bytes[index]) << 16 | Int(bytes[index + 1]) << 8 | Int(bytes[index + 2])
            for shift in [18, 12, 6, 0] { text.append(alphabet[group >> shift & 63]) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads a text of exactly `length` bytes' worth; nil for any other length or character. Of one type of text, as each
    /// request of a viewer with a token comes through here, and generic code costs ten times as much.
    static func bytes(_ text: Substring, length: Int) -> [UInt8]? {
        guard text.utf8.count == length / 3 * 4 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length)
        var group = 0
        for (index, digit) in text.utf8.enumerated() {
            guard let value = value(digit) else { return nil }
            group = group << 6 | value
            guard index % 4 == 3 else { continue }
            for shift in [16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: group >> shift)) }
            group = 0
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> Int? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
}
