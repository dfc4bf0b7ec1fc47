// SPDX-License-Identifier: Apache-2.0

/// The name of a trace: 128 bits that are not all 0 (W3C Trace Context §3.2.2.3).
public struct TraceID: Hashable, Sendable, CustomStringConvertible {
    /// The first eight bytes.
    public let high: UInt64
    /// The last eight bytes, of which the lower seven decide on sampling.
    public let low: UInt64

    /// A name of its two halves; nil where both are 0.
    public init?(high: UInt64, low: UInt64) {
        guard high | low != 0 else { return nil }
        self.init(known: high, low)
    }

    /// A name of two halves, of which the second is taken for 1 where both are 0.
    init(mixed high: UInt64, _ low: UInt64) { self.init(known: high, high | low == 0 ? 1 : low) }

    private init(known high: UInt64, _ low: UInt64) {
        self.high = high
        self.low = low
    }

    /// 32 digits of lower-case hexadecimal.
    public var description: String { high.digits + low.digits }
}

/// The name of a span within its trace: 64 bits that are not all 0 (W3C Trace Context §3.2.2.4).
public struct SpanID: Hashable, Sendable, CustomStringConvertible {
    /// The bits.
    public let number: UInt64

    /// A name of its bits; nil where all are 0.
    public init?(number: UInt64) {
        guard number != 0 else { return nil }
        self.number = number
    }

    /// A name of bits that were mixed; 0 is taken for 1.
    init(mixed number: UInt64) { self.number = number == 0 ? 1 : number }

    /// A name that nobody else has.
    public static func random(using random: inout some RandomNumberGenerator) -> SpanID {
        SpanID(mixed: random.next())
    }

    /// 16 digits of lower-case hexadecimal.
    public var description: String { number.digits }
}

extension UInt64 {
    /// All 16 digits of lower-case hexadecimal.
    fileprivate var digits: String {
        let text = String(self, radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
}
