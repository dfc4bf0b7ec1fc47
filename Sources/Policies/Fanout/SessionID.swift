// SPDX-License-Identifier: Apache-2.0

public import Cluster

/// The name of a session: a random UUID (RFC 9562 §5.4).
public struct SessionID: Hashable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// A new name.
    public static func random(using random: inout some RandomNumberGenerator) -> SessionID {
        let version: UInt64 = 0x4000
        let variant: UInt64 = 0x8000_0000_0000_0000
        return SessionID(
            high: random.next() & ~0xF000 | version, low: random.next() & ~0xC000_0000_0000_0000 | variant)
    }

    /// Parses five groups of hexadecimal digits, of either case; nil for anything else.
    public init?(parsing text: some StringProtocol) {
        let groups = text.split(separator: "-", omittingEmptySubsequences: false)
        guard groups.map(\.utf8.count) == [8, 4, 4, 4, 12] else { return nil }
        let digits = groups.joined()
        guard digits.utf8.allSatisfy(Self.isDigit) else { return nil }
        guard let high = UInt64(digits.prefix(16), radix: 16), let low = UInt64(digits.dropFirst(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
    }

    /// What its edge set is ranked for: the bits are random already.
    public var rankingKey: RankingKey { RankingKey(number: high ^ low) }

    /// In lower case.
    public var description: String {
        let digits = Self.text(high) + Self.text(low)
        var (text, rest) = ("", digits[...])
        for count in [8, 4, 4, 4, 12] {
            text += text.isEmpty ? "" : "-"
            text += rest.prefix(count)
            rest = rest.dropFirst(count)
        }
        return text
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    private static func text(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// `UInt64` would take a sign.
    private static func isDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
