// SPDX-License-Identifier: Apache-2.0

import Synchronization

// The three handles. Each is made once by the registry and then used from any thread: one relaxed atomic addition, no
// lock, no allocation. Nothing orders one metric against another, and nothing needs to.

/// One series that only grows.
public final class Counter: Sendable {
    private let cell = Atomic<Int>(0)

    init() {}

    /// Adds `amount`, which is not negative: things, or bytes.
    public func add(_ amount: Int = 1) {
        assert(amount >= 0, "a counter only grows")
        cell.wrappingAdd(amount, ordering: .relaxed)
    }

    /// Adds a time to a counter of seconds.
    public func add(_ amount: Duration) { add(amount.wholeNanoseconds) }

    /// The count so far, in nanoseconds for a counter of seconds.
    public var value: Int { cell.load(ordering: .relaxed) }
}

/// One series that goes up and down.
public final class Gauge: Sendable {
    private let cell = Atomic<Int>(0)

    init() {}

    /// Replaces the value.
    public func set(_ value: Int) { cell.store(value, ordering: .relaxed) }

    /// Replaces the value of a gauge of seconds.
    public func set(_ value: Duration) { set(value.wholeNanoseconds) }

    /// Adds `amount`, which may be negative.
    public func add(_ amount: Int) { cell.wrappingAdd(amount, ordering: .relaxed) }

    /// The present value, in nanoseconds for a gauge of seconds.
    public var value: Int { cell.load(ordering: .relaxed) }
}

/// One distribution with fixed buckets.
public final class Histogram: Sendable {
    let bounds: [Int]
    private let cells: [Counter]
    private let total = Atomic<Int>(0)

    init(_ buckets: MetricBuckets) {
        bounds = buckets.bounds
        cells = (0...buckets.bounds.count).map { _ in Counter() }
    }

    /// Counts one observation of things or bytes.
    public func observe(_ value: Int) {
        var index = 0
        while index < bounds.count, bounds[index] < value { index += 1 }
        cells[index].add()
        total.wrappingAdd(value, ordering: .relaxed)
    }

    /// Counts one observation of a time.
    public func observe(_ value: Duration) { observe(value.wholeNanoseconds) }

    /// The observations so far.
    public var count: Int { counts.reduce(0, +) }

    /// The sum of the observations, in nanoseconds for a histogram of seconds.
    public var sum: Int { total.load(ordering: .relaxed) }

    /// Observations in each bucket by itself, the last one above all bounds.
    var counts: [Int] { cells.map(\.value) }
}
