// SPDX-License-Identifier: Apache-2.0

/// Counts of durations in buckets no wider than 1.6 % of their value, so that percentiles of many viewers can be added
/// up. From 1 µs; memory grows with the longest duration only, by 512 bytes a doubling.
public struct Histogram: Hashable, Sendable {
    /// How many durations were added.
    public private(set) var count = 0
    /// The longest, exactly.
    public private(set) var maximum: Duration = .zero
    private var total: Duration = .zero
    private var buckets: [Int] = []

    /// An empty histogram.
    public init() {}

    /// The mean; zero where nothing was added.
    public var mean: Duration { count == 0 ? .zero : total / count }

    /// Adds a duration; one below zero counts as zero.
    public mutating func add(_ duration: Duration) {
        let index = Self.bucket(Self.microseconds(duration))
        if index >= buckets.count { buckets += Array(repeating: 0, count: index + 1 - buckets.count) }
        buckets[index] += 1
        count += 1
        total += duration
        maximum = max(maximum, duration)
    }

    /// Adds a duration for which nothing else could be added, though something was to be at every `interval`: those too,
    /// each shorter by one interval than the one before. Else a second in which nothing is measured counts as once late.
    public mutating func add(_ duration: Duration, every interval: Duration) {
        precondition(interval > .zero, "the interval \(interval)")
        add(duration)
        var missing = duration - interval
        while missing >= interval {
            add(missing)
            missing -= interval
        }
    }

    /// Adds all that another holds.
    public mutating func merge(_ other: Histogram) {
        if other.buckets.count > buckets.count {
            buckets += Array(repeating: 0, count: other.buckets.count - buckets.count)
        }
        for index in other.buckets.indices { buckets[index] += other.buckets[index] }
        count += other.count
        total += other.total
        maximum = max(maximum, other.maximum)
    }

    /// What was added since an earlier state of this histogram. The longest is known to the end of its bucket only.
    public func since(_ earlier: Histogram) -> Histogram {
        var difference = self
        for index in earlier.buckets.indices { difference.buckets[index] -= earlier.buckets[index] }
        difference.count -= earlier.count
        difference.total -= earlier.total
        let highest = difference.buckets.lastIndex { $0 > 0 }
        difference.maximum = min(maximum, highest.map { .microseconds(Self.highest($0)) } ?? .zero)
        return difference
    }

    /// The duration that the share `percent` of all stays at or below, to the upper end of its bucket.
    /// - Parameter percent: above 0 and up to 100.
    public func percentile(_ percent: Double) -> Duration {
        precondition(percent > 0 && percent <= 100, "the percentile \(percent)")
        let wanted = max(1, Int((Double(count) * percent / 100).rounded(.up)))
        var seen = 0
        for (index, bucket) in buckets.enumerated() {
            seen += bucket
            if seen >= wanted { return min(maximum, .microseconds(Self.highest(index))) }
        }
        return maximum
    }
}

extension Histogram {
    private static func microseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(clamping: seconds) &* 1_000_000 &+ UInt64(clamping: attoseconds / 1_000_000_000_000)
    }

    /// Below 128 every microsecond has its bucket; above, every doubling has 64.
    private static func bucket(_ value: UInt64) -> Int {
        guard value >= 128 else { return Int(value) }
        let shift = 57 - value.leadingZeroBitCount
        return shift * 64 + Int(value >> UInt64(shift))
    }

    private static func highest(_ index: Int) -> UInt64 {
        guard index >= 128 else { return UInt64(index) }
        let shift = UInt64(index / 64 - 1)
        return (UInt64(index % 64 + 64) + 1) << shift - 1
    }
}
