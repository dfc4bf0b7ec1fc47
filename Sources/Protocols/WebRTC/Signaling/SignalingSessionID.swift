// SPDX-License-Identifier: Apache-2.0

/// By what a session is known in its URL: 128 random bits, so that who was not told can not find it (RFC 9725 §5).
public struct SignalingSessionID: Hashable, Sendable, CustomStringConvertible {
    private let high: UInt64
    private let low: UInt64

    /// A new one. The generator must be one that nobody can predict.
    public static func random(using random: inout some RandomNumberGenerator) -> SignalingSessionID {
        SignalingSessionID(high: random.next(), low: random.next())
    }

    /// Reads 32 hexadecimal digits, lower case; nil for anything else.
    public init?(parsing text: some StringProtocol) {
        guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
            let low = UInt64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(high: high, low: low)
        guard description == text else { return nil }
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// 32 hexadecimal digits.
    public var description: String { Self.digits(high) + Self.digits(low) }

    private static func digits(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
