// SPDX-License-Identifier: Apache-2.0

public import Identity
public import Media

/// Makes a stream's feed: turns what a publisher sends into records, and decides once and for all where segments and
/// parts begin and end (hop 5 of a frame's life).
///
/// It is in one of four states. *Waiting*: a publisher is there and its first random access point, its tracks or its
/// frame rate are not yet known; the first segment leads to running. *Running*: every unit becomes a record at once;
/// the publisher leaving leads to absent. *Absent*: nothing comes; its return leads to waiting. *Ended*, from any.
///
/// Times are made whole by these rules. All tracks share one timeline, which begins at 0 with the first random access
/// point; units before it are dropped. Video keeps the publisher's times but for the rounding to milliseconds of a
/// constant rate. Audio counts samples and follows the publisher's times slowly (``AudioTiming``). A jump of the
/// publisher's clock, in either direction, and the time a publisher was absent are left out: the timeline goes on where
/// the last unit ended, all tracks by the same amount, without a discontinuity; a new program date time says what
/// happened, in a new segment at the next random access point. Only other parameters make a discontinuity, and not those
/// that say which layers there are (``LayerTable``).
///
/// Video has no hole inside a run of pictures: a picture that comes too late for its part is decoded where the part
/// must end and shown when it is due, by its composition offset, because players drop all up to the next random access
/// point at a hole in decode times.
public struct Sequencer: Sendable {
    /// The term whose records it makes.
    public let term: Term
    /// How it cuts.
    public let settings: SequencerSettings
    /// Where a CDN has the segments that begin from now on, stated in their starts; nil where edges serve them.
    public var cdnBase: String?
    /// What it had to put right.
    public internal(set) var counters = SequencerCounters()
    /// What its records have come to.
    public internal(set) var summary: FeedSummary

    var phase = Phase.waiting
    var intake: SequencerIntake
    var clock: PublisherClock
    var tracks: [SequencerTrack] = []
    var leading = 0
    /// Parameters that wait for a random access point, by track.
    var changes: [Track] = []
    var layers = LayerTable()
    var parametersNumber: UInt32?
    var segment: OpenSegment?
    var part = OpenPart(start: 0)
    var partTarget: Duration?
    /// Segments in a row whose pictures came too slow for the parts there are, or fast enough for those there are not.
    var segmentsOfOtherRate = 0
    /// Monotonic and civil time when the publisher came. Civil time goes on from there by monotonic time, so that a step
    /// of the system's clock moves no date under a publisher.
    var beginning: (now: Duration, wall: WallTime)?
    /// Segments in a row that came earlier than their counted dates.
    var earlySegments = 0
    /// When the newest unit came; nil before a publisher's first.
    var newestArrival: Duration?
    /// The next random access point begins a segment with the civil time of its arrival.
    var wantsDate = true
    /// The next segment begins with EXT-X-DISCONTINUITY.
    var pendingDiscontinuity = false

    enum Phase: Sendable { case waiting, running, absent, ended }

    /// Begins a stream that nobody knows, with the first segment's number: floor(unix seconds) where none is known.
    public init(settings: SequencerSettings, term: Term, firstMSN: MediaSequenceNumber) {
        self.init(settings: settings, term: term, continuing: FeedSummary(firstSegment: firstMSN))
    }

    /// Begins a later term of a stream, from what the records of the terms before have come to. The timeline goes on
    /// at the end of the last part; with the same tracks there is no discontinuity. Open segments of the term before
    /// must have been ended.
    public init(settings: SequencerSettings, term: Term, continuing summary: FeedSummary) {
        precondition(settings.segmentTarget > .zero && settings.longestSegment >= settings.segmentTarget, "\(settings)")
        precondition(settings.partTarget.map { $0 >= .milliseconds(10) } ?? true, "\(settings)")
        self.settings = settings
        self.term = term
        self.summary = summary
        intake = SequencerIntake(settings, former: summary.parameters)
        clock = PublisherClock(threshold: settings.jumpThreshold)
    }

    /// A track is there, or has other parameters. The same again is nothing new.
    public mutating func parameters(
        _ sets: ParameterSets, for track: TrackID, now: Duration, wall: WallTime, into records: inout [FeedRecord]
    ) {
        parameters(Track(id: track, parameters: sets), now: now, wall: wall, into: &records)
    }

    /// A track is there, or has other parameters, with the rendition that it is: one of several layers.
    public mutating func parameters(_ track: Track, now: Duration, wall: WallTime, into records: inout [FeedRecord]) {
        switch phase {
        case .absent, .ended: return
        case .waiting:
            intake.announce(track, counters: &counters)
            beginIfReady(now: now, into: &records)
        case .running:
            changes.removeAll { $0.id == track.id }
            if !tracks.contains(where: { $0.track == track }) { changes.append(track) }
        }
    }

    /// A unit came, on the publisher's clock, in decode order within its track.
    public mutating func append(
        _ unit: AccessUnit, now: Duration, wall: WallTime, into records: inout [FeedRecord]
    ) {
        let beginning = self.beginning ?? (now, wall)
        self.beginning = beginning
        newestArrival = now
        let arrival = beginning.wall.advanced(by: now - beginning.now)
        switch phase {
        case .absent, .ended: return
        case .waiting:
            intake.hold(unit, now: now, arrival: arrival, counters: &counters)
            beginIfReady(now: now, into: &records)
        case .running:
            sequence(unit, now: now, arrival: arrival, into: &records)
        }
    }

    /// Does what is due at `now`.
    public mutating func tick(now: Duration, wall: WallTime, into records: inout [FeedRecord]) {
        switch phase {
        case .absent, .ended: return
        case .waiting: beginIfReady(now: now, into: &records)
        case .running:
            guard let deadline = partDeadline, now >= deadline else { return }
            counters.partsClosedByTimer += 1
            endPart(at: expectedPartEnd, closesSegment: false, into: &records)
        }
    }

    /// When `tick` has something to do; nil for never.
    public var nextDeadline: Duration? {
        switch phase {
        case .absent, .ended: nil
        case .waiting: intake.deadline
        case .running: partDeadline
        }
    }

    /// Whether a publisher is connected and has sent nothing for longer than a target duration: for those who wait for
    /// its next part, that is as if it were gone.
    public func isStalled(now: Duration) -> Bool {
        guard phase == .running, let newestArrival else { return false }
        let target = summary.targetDuration.map { Duration.seconds($0) } ?? settings.segmentTarget
        return now - newestArrival > target
    }

    /// The publisher's connection is gone. The open segment ends.
    public mutating func publisherLeft(now: Duration, into records: inout [FeedRecord]) {
        guard phase == .running || phase == .waiting else { return }
        endSegment(into: &records)
        phase = .absent
        wantsDate = true
        changes = []
        layers = LayerTable()
    }

    /// A publisher is there again; its parameters and units follow.
    public mutating func publisherReturned(now: Duration) {
        guard phase == .absent else { return }
        phase = .waiting
        beginning = nil
        newestArrival = nil
        intake = SequencerIntake(settings, former: summary.parameters)
    }

    /// Fills the numbers up to and with `msn`, which somebody listed and nobody holds. At the beginning of a term. Where
    /// more are missing than a window has, only the last is filled, and the playlist begins anew.
    public mutating func skip(through msn: MediaSequenceNumber, into records: inout [FeedRecord]) {
        precondition(phase == .waiting && segment == nil, "\(msn) in the middle of \(summary)")
        let duration = summary.targetDuration.map { Duration.seconds($0) } ?? settings.segmentTarget
        guard msn >= summary.nextSegment else { return }
        let first = msn - summary.nextSegment < Self.mostGaps ? summary.nextSegment : msn
        for msn in first...msn { emit(.gap(Gap(msn: msn, duration: duration)), into: &records) }
    }

    /// All segments up to and with `msn` are in the object store. Says nothing once the stream has ended.
    public mutating func stored(through msn: MediaSequenceNumber, into records: inout [FeedRecord]) {
        guard phase != .ended else { return }
        emit(.stored(msn), into: &records)
    }

    private static let mostGaps: MediaSequenceNumber = 64

    /// The stream ends: the open segment does, and nothing follows.
    public mutating func end(_ reason: EndReason, now: Duration, into records: inout [FeedRecord]) {
        guard phase != .ended else { return }
        endSegment(into: &records)
        phase = .ended
        emit(.end(reason), into: &records)
    }
}
