// SPDX-License-Identifier: Apache-2.0

import Media

/// Where a unit stands on its track's clock.
struct Placement: Sendable {
    /// Its decode time.
    var time: Int64
    /// When the next unit is expected.
    var next: Int64
    /// Presentation time minus decode time.
    var offset: Int64
}

/// The decode times of a video track, in 90 kHz: strictly increasing, free of the rounding to milliseconds.
struct VideoTiming: Sendable {
    private var cadence: FrameCadence
    private var newest: Int64?
    private var intervals: (Int64, Int64, Int64)
    private var start: Int64

    /// A track whose first unit will stand at or after `start`.
    /// - Parameter interval: what is known of the time from one picture to the next, in ticks.
    init(start: Int64, declared: Double?, interval: Int64) {
        self.start = start
        cadence = FrameCadence(declared: declared)
        intervals = (interval, interval, interval)
    }

    /// The usual time from one picture to the next: the middle one of the last three.
    var interval: Int64 {
        let (first, second, third) = intervals
        return max(min(first, second), min(max(first, second), third))
    }

    /// When the next unit is expected.
    var end: Int64 {
        guard let newest else { return start }
        return max(newest + 1, cadence.time(after: cadence.steps(interval)) ?? newest + interval)
    }

    /// Goes on at `start` with another publisher's clock, whose pictures are `interval` ticks apart where that is known.
    mutating func resume(at start: Int64, interval: Int64?) {
        if let interval { intervals = (interval, interval, interval) }
        self.start = start
        newest = nil
        cadence.restart()
    }

    /// Places the unit that came for `time`.
    /// - Parameter unit: the publisher's clock, whose tick bounds the rounding error.
    mutating func place(_ time: Int64, offset: Int64, unit: Timescale, counters: inout SequencerCounters) -> Placement {
        let tolerance = 135_000 / Int64(unit.ticksPerSecond) + 1
        var exact = cadence.place(time, tolerance: tolerance)
        let floor = newest.map { $0 + 1 } ?? start
        if exact < floor {
            exact = floor
            counters.timestampsClamped += 1
        }
        if let newest { intervals = (intervals.1, intervals.2, min(exact - newest, Self.longestInterval)) }
        newest = exact
        return Placement(time: exact, next: end, offset: cadence.snapped(offset, tolerance: tolerance))
    }

    /// Thirty seconds.
    private static let longestInterval: Int64 = 2_700_000
}
