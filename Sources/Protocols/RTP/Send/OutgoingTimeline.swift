// SPDX-License-Identifier: Apache-2.0

public import Media

/// The times of one stream as its viewers see them: they only go forward, over terms and publishers.
///
/// Within a term all tracks are moved by the same shift, so they stay in step. Where a term begins, its first unit keeps
/// the shift if that leads past what every track sent and no more than a second ahead of the time that has passed; else
/// the shift is chosen so that exactly the time that has passed shows. A unit that would still not be past what its track
/// sent, as some are that another track's unit went before, is left out.
public struct OutgoingTimeline: Sendable {
    /// What sender reports say.
    public private(set) var clock: SendClock
    /// What is added to times, in nanoseconds.
    private var shift: Int64 = 0
    private var isBeginning = false
    /// The furthest time of any track, in nanoseconds, and when it was placed.
    private var furthest: (time: Int64, now: Duration)?
    /// The newest time of each track.
    private var newest: [(track: TrackID, time: MediaTime)] = []

    /// A timeline on which nothing was placed.
    /// - Parameters:
    ///   - wall: civil time at `now`.
    public init(wall: WallTime, now: Duration) { clock = SendClock(wall: wall, at: now) }

    /// A term begins, or a publisher: what comes next may be on another clock.
    public mutating func begin() { isBeginning = true }

    /// The outgoing time of a unit that is shown at `time`; nil where it would not go forward.
    public mutating func place(_ time: MediaTime, track: TrackID, now: Duration) -> MediaTime? {
        let index = newest.firstIndex { $0.track == track }
        if isBeginning {
            isBeginning = false
            settle(time, now: now)
        }
        let placed = shifted(time)
        if let index {
            guard placed.timescale == newest[index].time.timescale else {
                newest.remove(at: index)
                return place(time, track: track, now: now)
            }
            guard placed.ticks > newest[index].time.ticks else { return nil }
            newest[index].time = placed
        } else {
            newest.append((track, placed))
        }
        let nanoseconds = placed.converted(to: .nanoseconds).ticks
        if nanoseconds > furthest?.time ?? .min { furthest = (nanoseconds, now) }
        clock.see(nanoseconds, now: now)
        return placed
    }

    private func shifted(_ time: MediaTime) -> MediaTime {
        let shift = MediaTime(ticks: shift, timescale: .nanoseconds).converted(to: time.timescale)
        return MediaTime(ticks: time.ticks &+ shift.ticks, timescale: time.timescale)
    }

    /// Chooses the shift for a term whose first unit is shown at `time`.
    private mutating func settle(_ time: MediaTime, now: Duration) {
        guard let furthest else { return }
        let expected = furthest.time + max(now - furthest.now, Self.shortestStep).ticks(.nanoseconds)
        let nanoseconds = shifted(time).converted(to: .nanoseconds).ticks
        guard nanoseconds <= furthest.time || nanoseconds > expected + Self.longestStep.ticks(.nanoseconds) else {
            return
        }
        shift = expected - time.converted(to: .nanoseconds).ticks
    }

    /// The least that a term begins after what was sent: one picture at 100 a second.
    private static let shortestStep: Duration = .milliseconds(10)
    private static let longestStep: Duration = .seconds(1)
}

/// Which civil time an instant of a stream's outgoing timeline is, for sender reports. Plain bytes.
///
/// The distance to the clock of the node is that of the unit that came earliest for its time, the same for all tracks:
/// receivers bring tracks in step by the difference of their reports.
public struct SendClock: Hashable, Sendable {
    private let wall: WallTime
    private let beginning: Duration
    /// Outgoing time minus the node's, in nanoseconds.
    private var distance: Int64?

    /// A clock that shows `wall` at `now`.
    public init(wall: WallTime, at now: Duration) {
        self.wall = wall
        beginning = now
    }

    /// Civil time.
    public func time(_ now: Duration) -> NTPTime { NTPTime(wall, elapsed: now - beginning) }

    /// The same instant on the clock of a stream's pictures or its sound, as the ring counts it.
    public func timestamp(_ now: Duration, _ kind: SendKind) -> Int64 {
        let time = MediaTime(ticks: now.ticks(.nanoseconds) &+ (distance ?? 0), timescale: .nanoseconds)
        return time.converted(to: kind == .video ? .video : RTPCodec.opus.timescale).ticks
    }

    mutating func see(_ time: Int64, now: Duration) {
        let seen = time &- now.ticks(.nanoseconds)
        distance = max(distance ?? seen, seen)
    }
}

extension Timescale {
    static let nanoseconds = Timescale(1_000_000_000)
}
