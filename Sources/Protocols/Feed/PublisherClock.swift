// SPDX-License-Identifier: Apache-2.0

import Identity
import Media

/// Turns the publisher's times into times on the stream's timeline, in nanoseconds from the beginning of the term.
///
/// All tracks share one distance between the two, so they stay in step whatever the publisher's clock does. A unit's
/// time is *believed* where something else speaks for it: the track's own progress, the time since the unit before it
/// arrived, or where another track stands. Any other time is *doubted*: the unit is placed where its track's last one
/// ended. Three units in a row, or 200 ms of them, that agree with each other end the doubt: a step ahead up to the
/// threshold is then a hole, anything else makes a new distance, which the other tracks take when they come to it. A
/// unit that fits the track's progress before that shows that the time was merely wrong.
struct PublisherClock: Sendable {
    /// A track's own view of the clock.
    struct Track: Sendable {
        let id: TrackID
        /// Timeline minus publisher's time.
        fileprivate var distance: Int64
        /// Where the newest unit was placed; nil before the first.
        fileprivate var newest: Int64?
        /// The newest unit that was believed: its time by the publisher's clock, and when it came.
        fileprivate var believed: (time: Int64, arrival: Duration)?
        fileprivate var doubt: Doubt?
    }

    /// Times that nothing speaks for yet but one another.
    fileprivate struct Doubt: Sendable {
        /// The distance that the first of them would make.
        let distance: Int64
        let first: Int64
        var units = 1
    }

    private var distance: Int64 = 0
    private var formerDistance: Int64?
    /// Where the tracks stand.
    private var heads: [(track: TrackID, place: Int64)] = []
    private let threshold: Int64

    /// - Parameter threshold: steps beyond this are jumps.
    init(threshold: Duration) { self.threshold = threshold.ticks(.nanoseconds) }

    /// Begins a connection: `time` of the publisher is `place` on the timeline.
    mutating func restart(_ time: MediaTime, at place: Int64, track: TrackID) {
        distance = place &- time.converted(to: .nanoseconds).ticks
        formerDistance = nil
        heads = [(track, place)]
    }

    /// A track that takes part from now on.
    func track(_ id: TrackID) -> Track { Track(id: id, distance: distance) }

    /// The place of `time` on the timeline, and whether the clock jumped there.
    /// - Parameter end: where the track's last unit ended.
    mutating func place(
        _ time: MediaTime, now: Duration, track: inout Track, end: Int64
    ) -> (place: Int64, jumped: Bool) {
        let time = time.converted(to: .nanoseconds).ticks
        let jumped = !believe(time, now: now, track: &track, end: end) && doubt(time, track: &track, end: end)
        guard track.doubt == nil else {
            track.newest = end
            return (end, jumped)
        }
        let place = time &+ track.distance
        track.newest = place
        track.believed = (time, now)
        if let index = heads.firstIndex(where: { $0.track == track.id }) {
            heads[index].place = place
        } else {
            heads.append((track.id, place))
        }
        return (place, jumped)
    }

    /// Whether something speaks for `time`: the track's progress under its own distance, the one of the other tracks
    /// or the one before; else its arrival or another track. The track takes the distance.
    private mutating func believe(_ time: Int64, now: Duration, track: inout Track, end: Int64) -> Bool {
        if track.newest != nil, !track.isProgress(time &+ track.distance, end: end) {
            if distance != track.distance, track.isProgress(time &+ distance, end: end) {
                track.distance = distance
            } else if let former = formerDistance, track.isProgress(time &+ former, end: end) {
                (formerDistance, distance) = (distance, former)
                track.distance = former
            } else if !isSupported(time, now: now, track) {
                return false
            }
        } else if track.newest == nil,
            !heads.contains(where: { ($0.place &- time &- track.distance).isWithin(threshold) })
        {
            return false
        }
        track.doubt = nil
        return true
    }

    /// Whether the time since the unit before it arrived or where another track stands speaks for `time`.
    private func isSupported(_ time: Int64, now: Duration, _ track: Track) -> Bool {
        let place = time &+ track.distance
        if heads.contains(where: { $0.track != track.id && ($0.place &- place).isWithin(tolerance) }) { return true }
        guard let believed = track.believed else { return false }
        let step = time &- believed.time
        return step.isWithin(threshold) && (step &- (now - believed.arrival).ticks(.nanoseconds)).isWithin(tolerance)
    }

    /// Notes a time that nothing speaks for. Whether that ends the doubt with a new distance.
    private mutating func doubt(_ time: Int64, track: inout Track, end: Int64) -> Bool {
        guard var doubt = track.doubt, track.isProgress(time &+ doubt.distance, end: end) else {
            track.doubt = Doubt(distance: end &- time, first: time)
            return false
        }
        doubt.units += 1
        track.doubt = doubt
        guard doubt.units >= 3 || time &- doubt.first >= 200_000_000 else { return false }
        track.doubt = nil
        let hole = time &+ track.distance &- end
        guard hole < 0 || hole > threshold else { return false }
        formerDistance = track.distance
        distance = doubt.distance
        track.distance = distance
        return true
    }
}

extension PublisherClock.Track {
    /// Whether a place continues the track: not far behind its newest unit, nor far ahead of that unit's end.
    fileprivate func isProgress(_ place: Int64, end: Int64) -> Bool {
        guard let newest else { return (place &- end).isWithin(tolerance) }
        return place &- newest >= -tolerance && place &- end <= tolerance
    }
}

extension Int64 {
    fileprivate func isWithin(_ limit: Int64) -> Bool { self >= -limit && self <= limit }
}

extension Timescale {
    /// The clock of the timeline.
    static let nanoseconds = Timescale(1_000_000_000)
}

/// How far a believed time may be from what speaks for it.
private let tolerance: Int64 = 250_000_000
