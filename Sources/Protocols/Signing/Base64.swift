// SPDX-License-Identifier: Apache-2.0

/// base64 (RFC 4648), in the alphabets that stores and CDNs use.
public struct Base64: Sendable {
    /// What stands for 62 and 63, and for padding; no padding where it is nil.
    private let sixtyTwo: UInt8
    private let sixtyThree: UInt8
    private let padding: UInt8?

    /// RFC 4648 §4.
    public static let standard = Base64("+", "/", "=")
    /// RFC 4648 §5, without padding.
    public static let url = Base64("-", "_", nil)
    /// RFC 4648 §5, with padding, as Google's CDN has it.
    public static let paddedURL = Base64("-", "_", "=")
    /// CloudFront's own: `-` for plus, `~` for slash, `_` for padding.
    public static let cloudFront = Base64("-", "~", "_")

    private init(_ sixtyTwo: Unicode.Scalar, _ sixtyThree: Unicode.Scalar, _ padding: Unicode.Scalar?) {
        self.sixtyTwo = UInt8(ascii: sixtyTwo)
        self.sixtyThree = UInt8(ascii: sixtyThree)
        self.padding = padding.map { UInt8(ascii: $0) }
    }

    /// Writes `bytes`.
    public func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for index in stride(from: 0, to: bytes.count, by: 3) {
            let left = bytes.count - index
            let group =
                UInt32(bytes[index]) << 16 | (left > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
                | (left > 2 ? UInt32(bytes[index + 2]) : 0)
            for position in 0..<4 {
                if position <= min(left, 3) {
                    text.append(digit(UInt8(truncatingIfNeeded: group >> (18 - 6 * UInt32(position)) & 63)))
                } else if let padding {
                    text.append(padding)
                }
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads a text, padded or not; nil for other characters and for a length that no bytes have.
    public func bytes(_ text: some StringProtocol) -> [UInt8]? {
        var digits = Array(text.utf8)
        while let last = digits.last, last == padding { digits.removeLast() }
        guard digits.count % 4 != 1, text.utf8.count - digits.count <= 2 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 4 * 3 + 2)
        var group: UInt32 = 0
        var bits: UInt32 = 0
        for digit in digits {
            guard let value = value(digit) else { return nil }
            group = group << 6 & 0xFFFF | value
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: group >> bits))
        }
        return bytes
    }

    private func digit(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + value - 26
        case 52..<62: UInt8(ascii: "0") + value - 52
        case 62: sixtyTwo
        default: sixtyThree
        }
    }

    private func value(_ digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case sixtyTwo: 62
        case sixtyThree: 63
        default: nil
        }
    }
}
