// SPDX-License-Identifier: Apache-2.0

public import Media

/// Gives what an encoder makes the times of what it was fed, by counting samples.
///
/// The encoder knows no times: what it is fed is one sound without a hole to it. Each unit is noted with the position of
/// its first sample; a packet of which the first sample is at some position is shown when that sample was. Packets follow
/// one another exactly, for a jitter buffer takes a step of one sample for a loss; only where the input's times leave
/// them by more than 10 ms, as behind a gap, are they anchored anew.
public struct SoundTimeline: Sendable {
    /// Where and when a packet belongs.
    public struct Place: Hashable, Sendable {
        /// When it is heard, at 48 kHz.
        public let time: MediaTime
        /// When the unit came that holds its first sample.
        public let arrival: Duration
    }

    private struct Entry {
        /// The position of the first sample at 48 kHz, and the time it is heard.
        let position: Int64
        let time: Int64
        let arrival: Duration
    }

    private var entries: [Entry] = []
    /// What was fed, as the sum of durations on the input's clock.
    private var fed = MediaTime(ticks: 0, timescale: SoundTimeline.timescale)
    /// Where the last packet ended, as it was placed.
    private var end: Int64?

    /// Nothing fed yet.
    public init() {}

    /// Notes a unit that is given to the encoder.
    /// - Parameters:
    ///   - time: when it is heard.
    ///   - samples: its length in samples of the clock of `time`.
    public mutating func feed(_ time: MediaTime, samples: Int64, now: Duration) {
        if fed.timescale != time.timescale { fed = fed.converted(to: time.timescale) }
        if entries.count >= Self.longestList { entries.removeFirst(Self.longestList / 2) }
        entries.append(
            Entry(
                position: fed.converted(to: Self.timescale).ticks, time: time.converted(to: Self.timescale).ticks,
                arrival: now))
        fed.ticks &+= samples
    }

    /// The place of a packet whose first sample is at `position` and that holds so many; nil before anything was fed.
    public mutating func place(_ position: Int64, samples: Int64) -> Place? {
        let behind = entries.firstIndex { $0.position > position } ?? entries.endIndex
        if behind > 1 { entries.removeFirst(behind - 1) }
        guard let entry = entries.first else { return nil }
        var time = entry.time &+ (position &- entry.position)
        if let end, abs(time &- end) <= Self.tolerance { time = end }
        end = time &+ samples
        return Place(time: MediaTime(ticks: time, timescale: Self.timescale), arrival: entry.arrival)
    }

    /// RFC 7845 §4: Opus counts at 48 kHz whatever it was fed.
    private static let timescale = Timescale(48_000)
    /// 10 ms.
    private static let tolerance: Int64 = 480
    /// Some twenty seconds of AAC; an encoder that is so far behind has been given up on.
    private static let longestList = 1024
}
