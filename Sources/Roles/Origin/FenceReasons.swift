// SPDX-License-Identifier: Apache-2.0

/// Why a gateway writes nothing for now. What its publisher sends meanwhile waits.
public struct FenceReasons: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt8

    /// Reasons of their bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The node lost over a second, and does not know yet whether somebody else took the stream meanwhile.
    public static let clock = FenceReasons(rawValue: 1)
    /// The node may lose the right to the term before it hears of it: its lease is running out.
    public static let lease = FenceReasons(rawValue: 2)
    /// The term is being taken.
    public static let term = FenceReasons(rawValue: 4)
    /// Fewer origins are alive than must agree to a term: others may have taken the stream.
    public static let quorum = FenceReasons(rawValue: 8)
}
