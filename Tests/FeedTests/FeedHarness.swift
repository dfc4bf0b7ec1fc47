// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media
import TestKit
import Testing

/// A sequencer, a clock, and all the records so far.
struct FeedHarness {
    var clock = ManualClock()
    var sequencer: Sequencer
    var records: [FeedRecord] = []
    /// How far the system's civil time is from the clock's.
    var wallStep: Duration = .zero
    /// When the first units of segments came, but for those that were held back.
    var arrivals: [MediaSequenceNumber: WallTime] = [:]
    /// Whether the timer is obeyed between units.
    var ticks = true

    init(_ settings: SequencerSettings = SequencerSettings(), firstMSN: MediaSequenceNumber = 100) {
        sequencer = Sequencer(settings: settings, term: Self.term, firstMSN: firstMSN)
    }

    init(_ settings: SequencerSettings, continuing summary: FeedSummary) {
        sequencer = Sequencer(settings: settings, term: Self.term, continuing: summary)
    }

    static let term = Term(number: 7, salt: 9)

    mutating func announce(_ media: SyntheticMedia) {
        for track in media.tracks { announce(media.parameters(track), for: track) }
    }

    mutating func announce(_ sets: ParameterSets, for track: TrackID) {
        sequencer.parameters(sets, for: track, now: clock.now, wall: wall, into: &records)
    }

    mutating func announce(_ track: Track) {
        sequencer.parameters(track, now: clock.now, wall: wall, into: &records)
    }

    mutating func send(_ unit: AccessUnit, at time: Duration) {
        wait(until: time)
        let before = records.count
        sequencer.append(unit, now: clock.now, wall: wall, into: &records)
        noteArrival(records[before...])
    }

    private var wall: WallTime { clock.wall.advanced(by: wallStep) }

    /// Units held back came before now.
    private mutating func noteArrival(_ records: ArraySlice<FeedRecord>) {
        let units = records.count { if case .accessUnit = $0 { true } else { false } }
        for case .segmentStart(let start) in records where units == 1 { arrivals[start.msn] = clock.wall }
    }

    mutating func wait(until time: Duration) {
        while ticks, let deadline = sequencer.nextDeadline, deadline <= time {
            let before = records.count
            clock.advance(to: deadline)
            sequencer.tick(now: clock.now, wall: wall, into: &records)
            if sequencer.nextDeadline == deadline, before == records.count { break }
        }
        clock.advance(to: time)
    }

    /// Publishes `media` from now on, each unit when it is due.
    mutating func publish(
        _ media: SyntheticMedia, for duration: Duration, change: (inout AccessUnit, Int) -> Bool = { _, _ in true }
    ) {
        let beginning = clock.now
        announce(media)
        var index = 0
        for event in media.events(for: duration) {
            var unit = event.unit
            if change(&unit, index) { send(unit, at: beginning + event.time) }
            index += 1
        }
    }

    mutating func leave() { sequencer.publisherLeft(now: clock.now, into: &records) }

    mutating func end() { sequencer.end(.publisherGone, now: clock.now, into: &records) }

    var feed: FeedReading { FeedReading(records, arrivals: arrivals) }
}

/// A feed read the way a playlist would.
struct FeedReading {
    struct Part {
        let end: PartEnd
        var units: [AccessUnit] = []
    }
    struct Segment {
        let start: SegmentStart
        let parameters: Parameters
        var parts: [Part] = []
        var isClosed = false

        var leading: Track { parameters.leadingTrack ?? parameters.tracks[0] }
        var duration: Duration { parts.reduce(.zero) { $0 + $1.end.duration } }
        var units: [AccessUnit] { parts.flatMap(\.units) }
        var leadingUnits: [AccessUnit] { units.filter { $0.track == leading.id } }
        var startsWithRandomAccess: Bool { leadingUnits.first?.isRandomAccess ?? false }
    }

    var segments: [Segment] = []
    /// The units of the part that is open.
    var openUnits: [AccessUnit] = []
    var units: [AccessUnit] { segments.flatMap(\.units) + openUnits }

    /// When the first units of segments came, where that is known.
    let arrivals: [MediaSequenceNumber: WallTime]

    init(_ records: [FeedRecord], arrivals: [MediaSequenceNumber: WallTime] = [:]) {
        self.arrivals = arrivals
        var parameters: Parameters?
        for record in records {
            switch record {
            case .accessUnit(let unit): openUnits.append(unit)
            case .parameters(let next): parameters = next
            case .segmentStart(let start):
                if let parameters { segments.append(Segment(start: start, parameters: parameters)) }
            case .partEnd(let end):
                segments[segments.count - 1].parts.append(Part(end: end, units: openUnits))
                segments[segments.count - 1].isClosed = end.closesSegment
                openUnits = []
            case .end, .gap, .stored: break
            }
        }
    }

    func units(_ track: TrackID) -> [AccessUnit] { units.filter { $0.track == track } }
}
