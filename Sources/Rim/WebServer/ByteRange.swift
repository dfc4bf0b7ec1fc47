// SPDX-License-Identifier: Apache-2.0

/// One range of bytes, RFC 9110 §14.1.2.
public enum ByteRange: Sendable, Hashable {
    /// From an offset to the end.
    case from(Int)
    /// From an offset to another, both included.
    case span(Int, Int)
    /// The last so many.
    case suffix(Int)

    /// Parses `bytes=a-b`, `bytes=a-` or `bytes=-n`. Everything else is nil, and a server may then answer with the whole:
    /// several ranges (§14.2 lets us), other units, nonsense.
    public init?(parsing field: Span<UInt8>) {
        guard field.equalsIgnoringCase("bytes=", upTo: 6) else { return nil }
        var digits = 6
        let first = field.number(from: &digits)
        guard digits < field.count, field[digits] == UInt8(ascii: "-") else { return nil }
        let hasFirst = digits > 6
        digits += 1
        let secondStart = digits
        let second = field.number(from: &digits)
        guard digits == field.count else { return nil }
        switch (hasFirst, digits > secondStart) {
        case (true, true):
            guard first <= second else { return nil }
            self = .span(first, second)
        case (true, false): self = .from(first)
        case (false, true): self = .suffix(second)
        case (false, false): return nil
        }
    }

    /// Where the range lies in a body of `length` bytes; nil if no byte of it does, which is answered with 416.
    public func resolved(in length: Int) -> Range<Int>? {
        switch self {
        case .from(let first): first < length ? first..<length : nil
        case .span(let first, let last): first < length ? first..<min(last, length - 1) + 1 : nil
        case .suffix(let count): count > 0 && length > 0 ? max(0, length - count)..<length : nil
        }
    }
}
