// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Media
import Replica
import Telemetry
import TestKit

/// One life of a stream at its gateway, in segments of a second.
final class RecordedLife {
    let replica: StreamReplica
    private(set) var term: Term
    private let kind: SyntheticMedia
    private let media: AnyIterator<SyntheticMedia.Event>
    private var sequencer: Sequencer
    private var commits: CommitTracker
    private var clock = ManualClock()
    private var number: UInt64 = 0

    init(of stream: StreamID, in term: Term, from first: MediaSequenceNumber) {
        self.term = term
        var kind = SyntheticMedia()
        kind.framesPerGroup = 30
        self.kind = kind
        media = AnyIterator(kind.events(for: .seconds(600)).makeIterator())
        replica = StreamReplica(
            id: stream, checkingOneIn: 1, settings: MediaWindowSettings(),
            metrics: ReplicaMetrics(MetricRegistry(families: ReplicaMetrics.families)))
        _ = replica.succeed(in: term, firstSegment: first)
        sequencer = Sequencer(settings: Self.settings, term: term, firstMSN: first)
        commits = CommitTracker(term: term)
        describe()
    }

    /// Publishes so much media at once.
    func publish(_ duration: Duration) {
        let end = clock.now + duration
        while clock.now < end, let event = media.next() {
            clock.advance(to: event.time)
            var records: [FeedRecord] = []
            sequencer.append(event.unit, now: clock.now, wall: clock.wall, into: &records)
            append(records)
        }
    }

    /// Goes on in a higher term, on the same replica.
    func raise(to term: Term) {
        var records: [FeedRecord] = []
        sequencer.publisherLeft(now: clock.now, into: &records)
        append(records)
        guard let summary = replica.succeed(in: term, firstSegment: 0) else { return }
        self.term = term
        sequencer = Sequencer(settings: Self.settings, term: term, continuing: summary)
        commits = CommitTracker(term: term)
        number = 0
        describe()
    }

    /// Ends the stream.
    func end() {
        var records: [FeedRecord] = []
        sequencer.end(.stopped, now: clock.now, into: &records)
        append(records)
    }

    private func describe() {
        var records: [FeedRecord] = []
        for track in kind.tracks {
            sequencer.parameters(
                kind.parameters(track), for: track, now: clock.now, wall: clock.wall, into: &records)
        }
        append(records)
    }

    private func append(_ records: [FeedRecord]) {
        guard !records.isEmpty else { return }
        for record in records {
            if case .partEnd(let mark) = record { _ = commits.append(mark.position, number: number) }
            number += 1
        }
        replica.append(records, committed: commits.committed)
    }

    private static let settings = SequencerSettings(segmentTarget: .seconds(1), partTarget: .milliseconds(200))
}
