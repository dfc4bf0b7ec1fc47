// SPDX-License-Identifier: Apache-2.0

import Bytes

/// A key of a cluster: 32 random bytes. Whoever has it is a member; whoever has not learns nothing and changes nothing.
public struct ClusterKey: Hashable, Sendable, CustomStringConvertible {
    /// The key itself.
    public let bytes: [UInt8]
    /// What it is called in packets, orders and logs: the first four bytes of its SHA-256.
    public let id: UInt32

    /// A key of its bytes; nil unless they are 32.
    public init?(bytes: [UInt8]) {
        guard bytes.count == SealCipher.keySize else { return nil }
        self.bytes = bytes
        id = shortened(sha256(bytes))
    }

    /// Parses 64 hexadecimal digits, or the 43 or 44 characters of base64 (RFC 4648 §4, §5).
    public init(parsing text: some StringProtocol) throws(Failure) {
        let digits = Array(text.utf8)
        let decoded = digits.count == 2 * SealCipher.keySize ? [UInt8](hex: text) : Base64.decoded(digits)
        guard let decoded, let key = ClusterKey(bytes: decoded) else { throw Failure(length: digits.count) }
        self = key
    }

    /// Its id as eight hexadecimal digits: never the key.
    public var description: String { (0..<4).map { UInt8(truncatingIfNeeded: id >> (24 - 8 * $0)) }.hex }

    /// The text is not a key.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// Of how many bytes the text is.
        public let length: Int

        /// A sentence for whoever wrote the setting; the text itself is not in it.
        public var description: String {
            "cluster.key must be 32 random bytes as 64 hexadecimal digits or as base64, and it is a text of \(length) "
                + "bytes that is neither; a passphrase is not a key (make one with: openssl rand -hex 32)"
        }
    }
}

/// Base64 of 32 bytes, with or without padding, in either alphabet.
private enum Base64 {
    static func decoded(_ text: [UInt8]) -> [UInt8]? {
        let digits = text.count == 44 && text.last == UInt8(ascii: "=") ? text.dropLast() : text[...]
        guard digits.count == 43 else { return nil }
        var (bytes, buffer, width): ([UInt8], UInt32, UInt32) = ([], 0, 0)
        for digit in digits {
            guard let value = value(of: digit) else { return nil }
            buffer = buffer << 6 | value
            width += 6
            guard width >= 8 else { continue }
            width -= 8
            bytes.append(UInt8(truncatingIfNeeded: buffer >> width))
        }
        return buffer & (1 << width - 1) == 0 ? bytes : nil
    }

    private static func value(of digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
