// SPDX-License-Identifier: Apache-2.0

/// Undoes the wrapping of a counter on the wire: each value is read as the number nearest to the highest one so far.
///
/// Sequence numbers in 16 bits and timestamps in 32 are read with it. A value before the first may be negative.
public struct WrappingCounter<Wire: FixedWidthInteger & UnsignedInteger & Sendable>: Hashable, Sendable {
    /// The highest number so far; nil before the first.
    public private(set) var highest: Int64?

    /// A counter that has not begun.
    public init() {}

    /// The number of `wire`, which becomes the highest where it is.
    public mutating func unwrap(_ wire: Wire) -> Int64 {
        let value = peek(wire)
        highest = max(highest ?? value, value)
        return value
    }

    /// The number of `wire` as one above the highest, for a counter that was begun anew.
    public mutating func advance(to wire: Wire) -> Int64 {
        guard let last = highest else { return unwrap(wire) }
        let value = last + 1 + Int64(wire &- Wire(truncatingIfNeeded: last + 1))
        highest = value
        return value
    }

    /// The number that `wire` would be, without a change.
    public func peek(_ wire: Wire) -> Int64 { highest.map { Self.number(wire, near: $0) } ?? Int64(wire) }

    /// The number that shows as `wire` and is nearest to `reference`.
    public static func number(_ wire: Wire, near reference: Int64) -> Int64 {
        let ahead = Int64(wire &- Wire(truncatingIfNeeded: reference))
        return reference &+ (ahead < 1 << (Wire.bitWidth - 1) ? ahead : ahead - 1 << Wire.bitWidth)
    }
}
