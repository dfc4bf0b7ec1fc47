// SPDX-License-Identifier: Apache-2.0

/// How many edges of a region serve a stream: k, which follows the audience.
///
/// It grows at once, to where the audience is at most 0.8 of k units, and shrinks when the audience was below half of
/// k − 1 units for a whole delay, to what its peak in that time asks for. The two thresholds are a factor of 1.6 apart,
/// so that an audience which wanders around either moves nothing.
public struct EdgeSetSize: Sendable {
    /// The number of edges; 0 while nobody watches and nobody has for the delay.
    public private(set) var count = 0
    private var ebb: Ebb?

    /// No edges.
    public init() {}

    /// When to come back, even if the audience stays: the end of the delay.
    public private(set) var nextDeadline: Duration?

    /// Follows the audience.
    /// - Parameters:
    ///   - audience: what the stream's viewers in the region are sent, and those on their way will be.
    ///   - unit: what one edge is to take of one stream; see ``PlacementSettings/unit``.
    ///   - smallest: the fewest edges of a watched stream.
    ///   - largest: how many edges there are.
    ///   - delay: how long an audience must be small.
    /// - Returns: whether ``count`` changed.
    public mutating func update(
        audience: Bandwidth, unit: Bandwidth, smallest: Int, largest: Int, delay: Duration, now: Duration
    ) -> Bool {
        let before = count
        let units = Double(audience.kilobits) / Double(max(unit.kilobits, 1))
        let floor = audience == .zero ? 0 : smallest
        count = min(max(count, floor, Self.needed(units)), largest)
        follow(units, floor: floor, delay: delay, now: now)
        return count != before
    }

    private mutating func follow(_ units: Double, floor: Int, delay: Duration, now: Duration) {
        var tide = ebb ?? Ebb(since: now, units: units, floor: floor)
        tide.units = max(tide.units, units)
        tide.floor = max(tide.floor, floor)
        if now - tide.since >= delay {
            count = min(count, max(tide.floor, Self.kept(tide.units)))
            tide = Ebb(since: now, units: units, floor: floor)
        }
        ebb = count > max(floor, Self.kept(units)) ? tide : nil
        nextDeadline = ebb.map { $0.since + delay }
    }

    /// The fewest edges that are not too few: k with units ≤ 0.8 k.
    private static func needed(_ units: Double) -> Int { units == 0 ? 0 : ceiling(units / 0.8) }

    /// The most edges that are not too many: k with units ≥ 0.5 (k − 1).
    private static func kept(_ units: Double) -> Int { units == 0 ? 0 : floor(units / 0.5) + 1 }

    private static func floor(_ number: Double) -> Int { Int(min(number, 1e9)) }

    private static func ceiling(_ number: Double) -> Int {
        let whole = floor(number)
        return Double(whole) < min(number, 1e9) ? whole + 1 : whole
    }

    private struct Ebb {
        let since: Duration
        var units: Double
        var floor: Int
    }
}
