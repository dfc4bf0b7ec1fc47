// SPDX-License-Identifier: Apache-2.0

/// A span as whoever works for it is told of it: the value of `traceparent` (W3C Trace Context §3.2).
public struct TraceContext: Hashable, Sendable, CustomStringConvertible {
    /// The trace.
    public let trace: TraceID
    /// The span that is told of, the parent of what comes of it.
    public let span: SpanID
    /// Whether whoever sent it may have recorded it (the flag `sampled`).
    public let isSampled: Bool

    /// A context of its parts.
    public init(trace: TraceID, span: SpanID, isSampled: Bool = true) {
        self.trace = trace
        self.span = span
        self.isSampled = isSampled
    }

    /// Reads the value of a `traceparent` field; nil for one that must be passed over. Of a higher version than 00 the
    /// fields of 00 are read, as §3.2.2 asks for.
    public init?(parsing text: some Collection<UInt8>) {
        let bytes = Array(text.prefix(Self.length + 1))
        guard bytes.count >= Self.length, let version = Self.number(bytes[0..<2]), version != 0xFF,
            [2, 35, 52].allSatisfy({ bytes[$0] == Self.dash }),
            bytes.count == Self.length || version > 0 && bytes[Self.length] == Self.dash,
            let high = Self.number(bytes[3..<19]), let low = Self.number(bytes[19..<35]),
            let parent = Self.number(bytes[36..<52]), let flags = Self.number(bytes[53..<55]),
            let trace = TraceID(high: high, low: low), let span = SpanID(number: parent)
        else { return nil }
        self.init(trace: trace, span: span, isSampled: flags & 1 == 1)
    }

    /// The value of `traceparent`, in version 00.
    public var description: String { "00-\(trace)-\(span)-\(isSampled ? "01" : "00")" }

    /// The field's name.
    public static let field = "traceparent"

    /// Digits of lower-case hexadecimal alone: others are invalid.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }

    private static let length = 55
    private static let dash = UInt8(ascii: "-")
}
