// SPDX-License-Identifier: Apache-2.0

/// A user name fragment of ours (`ice-ufrag`, RFC 8445 §5.3): eight characters, 48 random bits, held as one number, so
/// that a check finds its session by a look into a dictionary and without an allocation.
public struct ICEFragment: Hashable, Sendable, CustomStringConvertible {
    /// The characters' codes, the first in the highest byte.
    private let ascii: UInt64

    /// A new fragment.
    public static func random(using random: inout some RandomNumberGenerator) -> ICEFragment {
        let bits: UInt64 = random.next()
        return ICEFragment(packed: (0..<length).reduce(0) { $0 << 8 | UInt64(iceCharacter(bits >> (6 * UInt64($1)))) })
    }

    /// Reads the text of a fragment; nil for any other length or character.
    public init?(parsing text: some StringProtocol) {
        guard text.utf8.count == Self.length else { return nil }
        self.init(ascii: text.utf8.reduce(0) { $0 << 8 | UInt64($1) })
    }

    /// Nil unless all eight bytes are characters that ICE allows.
    init?(ascii: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) where !isICECharacter(UInt8(truncatingIfNeeded: ascii >> shift)) {
            return nil
        }
        self.ascii = ascii
    }

    private init(packed: UInt64) { ascii = packed }

    /// The eight characters.
    public var description: String {
        String(decoding: (0..<8).map { UInt8(truncatingIfNeeded: ascii >> (56 - 8 * UInt64($0))) }, as: UTF8.self)
    }

    /// How many characters each fragment of ours has.
    public static let length = 8
}

/// One of the 64 characters that RFC 8839 §5.4 allows in fragments and passwords, for the low six bits.
func iceCharacter(_ bits: UInt64) -> UInt8 { iceAlphabet[Int(bits & 63)] }

/// Whether RFC 8839 §5.4 allows the character: ALPHA, DIGIT, `+`, `/`.
func isICECharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
        true
    default: false
    }
}

private let iceAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
