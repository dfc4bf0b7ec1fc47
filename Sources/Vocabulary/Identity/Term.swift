// SPDX-License-Identifier: Apache-2.0

/// Who may append to a stream. Every change of gateway makes a new term, and lower ones are refused everywhere.
///
/// A term is the larger of (highest known + 1) and the Unix time in milliseconds, with 32 random bits behind it; the
/// pair is compared, so two nodes that take a term in the same millisecond never tie. It stands in every media name,
/// which is why no name ever has two contents.
public struct Term: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Milliseconds since 1970, or one above the highest term known.
    public let number: UInt64
    /// The random half.
    public let salt: UInt32

    /// A term of its two halves.
    public init(number: UInt64, salt: UInt32) {
        self.number = number
        self.salt = salt
    }

    /// Takes a term above `highest` at `now`.
    /// - Parameters:
    ///   - highest: the highest term known for the stream, if any.
    ///   - now: milliseconds since 1970.
    public static func taken(above highest: Term?, now: UInt64, using random: inout some RandomNumberGenerator) -> Term
    {
        Term(number: max((highest?.number ?? 0) &+ 1, now), salt: random.next(upperBound: .max))
    }

    /// Parses `{hex}-{hex}` as it stands in a path; nil for anything else, also for other spellings of the same number.
    public init?(parsing text: some StringProtocol) {
        guard let dash = text.firstIndex(of: "-"),
            let number = UInt64(text[..<dash], radix: 16),
            let salt = UInt32(text[text.index(after: dash)...], radix: 16)
        else { return nil }
        self.init(number: number, salt: salt)
        guard description == text else { return nil }
    }

    /// `{hex}-{hex}`, lower case, without leading zeros.
    public var description: String { String(number, radix: 16) + "-" + String(salt, radix: 16) }

    /// Orders by number, then by salt.
    public static func < (left: Term, right: Term) -> Bool { (left.number, left.salt) < (right.number, right.salt) }
}
