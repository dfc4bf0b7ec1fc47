// SPDX-License-Identifier: Apache-2.0

/// A rate of bits, kept in kbit/s.
public struct Bandwidth: Hashable, Comparable, Sendable {
    /// Thousands of bits a second.
    public let kilobits: UInt64

    /// So many kbit/s.
    public init(kilobits: UInt64) { self.kilobits = kilobits }

    /// So many Mbit/s, as capacities are given.
    public init(megabits: UInt32) { kilobits = UInt64(megabits) * 1000 }

    /// Nothing.
    public static let zero = Bandwidth(kilobits: 0)

    /// Orders by rate.
    public static func < (left: Bandwidth, right: Bandwidth) -> Bool { left.kilobits < right.kilobits }
}
