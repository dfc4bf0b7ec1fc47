// SPDX-License-Identifier: Apache-2.0

/// How many ticks a second has on a track's clock, at least 1.
public struct Timescale: Hashable, Sendable {
    /// Ticks a second.
    public let ticksPerSecond: UInt32

    /// A clock of `ticksPerSecond`, which must not be 0.
    public init(_ ticksPerSecond: UInt32) {
        precondition(ticksPerSecond > 0, "a clock without ticks")
        self.ticksPerSecond = ticksPerSecond
    }

    /// RTMP's and FLV's clock.
    public static let milliseconds = Timescale(1000)
    /// The clock of video in RTP and in our fragments.
    public static let video = Timescale(90_000)
}

/// A time or a duration on a track's clock.
public struct MediaTime: Hashable, Sendable {
    /// Ticks; may be negative.
    public var ticks: Int64
    /// The clock.
    public let timescale: Timescale

    /// A time of `ticks` on the clock of `timescale`.
    public init(ticks: Int64, timescale: Timescale) {
        self.ticks = ticks
        self.timescale = timescale
    }

    /// The same time on another clock, rounded to nearest, halves away from zero.
    public func converted(to other: Timescale) -> MediaTime {
        guard other != timescale else { return self }
        let from = Int64(timescale.ticksPerSecond)
        let (whole, rest) = ticks.quotientAndRemainder(dividingBy: from)
        let scaled = rest * Int64(other.ticksPerSecond)
        let rounded = (scaled.magnitude * 2 + UInt64(from)) / (UInt64(from) * 2)
        let fraction = scaled < 0 ? -Int64(rounded) : Int64(rounded)
        return MediaTime(ticks: whole &* Int64(other.ticksPerSecond) &+ fraction, timescale: other)
    }

    /// The time in seconds, for display and for playlists.
    public var seconds: Double { Double(ticks) / Double(timescale.ticksPerSecond) }

    /// The time as a duration, exact to the nanosecond.
    public var duration: Duration {
        .nanoseconds(converted(to: Timescale(1_000_000_000)).ticks)
    }
}

extension Duration {
    /// The duration on a track's clock, rounded down.
    public func ticks(_ timescale: Timescale) -> Int64 {
        let (seconds, attoseconds) = components
        return seconds &* Int64(timescale.ticksPerSecond)
            &+ (attoseconds / 1_000_000_000) * Int64(timescale.ticksPerSecond) / 1_000_000_000
    }

    /// The duration in seconds, for display and for playlists.
    public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
