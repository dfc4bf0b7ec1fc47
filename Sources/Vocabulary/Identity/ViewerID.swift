// SPDX-License-Identifier: Apache-2.0

/// One viewer session: a person's player from its first playlist to its last part, whichever edges serve it.
public struct ViewerID: Hashable, Sendable, CustomStringConvertible {
    /// 64 random bits.
    public let number: UInt64

    /// The session of a known number.
    public init(number: UInt64) { self.number = number }

    /// A new session.
    public static func random(using random: inout some RandomNumberGenerator) -> ViewerID {
        ViewerID(number: random.next())
    }

    /// Sixteen lower-case hexadecimal digits.
    public var description: String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
