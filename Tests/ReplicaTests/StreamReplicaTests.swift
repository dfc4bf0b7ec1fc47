// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Media
import NIOCore
import NIOEmbedded
import Replica
import Synchronization
import Telemetry
import TestKit
import Testing

@Suite("A replica")
struct StreamReplicaTests {
    private static let term = Term(number: 5, salt: 1)
    private let replica: StreamReplica
    private let loop = EmbeddedEventLoop()

    init() throws {
        replica = StreamReplica(
            id: try StreamID(parsing: "demo"), checkingOneIn: 1, settings: MediaWindowSettings(),
            metrics: ReplicaMetrics(MetricRegistry(families: ReplicaMetrics.families)))
        _ = replica.succeed(in: Self.term, firstSegment: 0)
    }

    /// The records of so much media.
    private func records(_ duration: Duration) -> [FeedRecord] {
        var media = SyntheticMedia()
        media.framesPerGroup = 30
        let settings = SequencerSettings(segmentTarget: .seconds(1), partTarget: .milliseconds(200))
        var sequencer = Sequencer(settings: settings, term: Self.term, firstMSN: 10)
        var (records, clock) = ([FeedRecord](), ManualClock())
        for track in media.tracks {
            sequencer.parameters(media.parameters(track), for: track, now: .zero, wall: clock.wall, into: &records)
        }
        for event in media.events(for: duration) {
            clock.advance(to: event.time)
            sequencer.append(event.unit, now: clock.now, wall: clock.wall, into: &records)
        }
        return records
    }

    @Test("wakes a loop once for what it wished, however much has come")
    func wakes() {
        let woken = Mutex(0)
        let mailbox = LoopMailbox(eventLoop: loop) { _ in woken.withLock { $0 += 1 } }
        let records = records(.seconds(4))
        replica.take(Array(records.prefix(records.count / 2)))
        replica.wishForParts(mailbox)
        replica.wishForParts(mailbox)
        loop.run()
        #expect(woken.withLock { $0 } == 0)
        for record in records.suffix(records.count / 2) { replica.take([record]) }
        loop.run()
        #expect(woken.withLock { $0 } == 1)
        replica.publisherIs(absent: true)
        loop.run()
        #expect(woken.withLock { $0 } == 1)
        replica.wishForParts(mailbox)
        replica.take([.end(.stopped)])
        loop.run()
        #expect(woken.withLock { $0 } == 2 && replica.isOver && replica.outlook.isOver)
    }

    @Test("gives whoever holds its records the same bytes, however they came")
    func sameBytes() throws {
        let other = StreamReplica(
            id: replica.id, checkingOneIn: 1, settings: MediaWindowSettings(),
            metrics: ReplicaMetrics(MetricRegistry(families: ReplicaMetrics.families)))
        _ = other.succeed(in: Self.term, firstSegment: 0)
        let records = records(.seconds(4))
        replica.take(records)
        for record in records { other.take([record]) }
        for msn in 10..<13 as Range<UInt64> {
            let segment = MediaResource.segment(.main, Self.term, msn)
            let directive = replica.decide(segment, query: [], hasWaited: false, wake: nil)
            #expect(directive == .segment)
            let ours = try #require(replica.bytes(for: directive, of: segment)).chunks
            #expect(ours == other.bytes(for: directive, of: segment)?.chunks)
        }
    }

    @Test("forgets viewers of playlists who ask no more, and not those who hold a connection")
    func viewers() {
        #expect(replica.note(1, .hls, now: .seconds(0)) && replica.note(2, .flv, now: .seconds(0)))
        #expect(replica.note(3, .hls, now: .seconds(10)) && !replica.note(3, .hls, now: .seconds(11)))
        replica.sent(500, to: 3)
        #expect(replica.sweepViewers(now: .seconds(15), life: .seconds(15)) == 0)
        #expect(replica.sweepViewers(now: .seconds(17), life: .seconds(15)) == 1)
        #expect(Set(replica.viewers.map(\.id)) == [2, 3] && replica.viewerCount == 2)
        #expect(replica.viewers.first { $0.id == 3 }?.bytesSent == 500)
        #expect(replica.forget(2) && !replica.forget(2))
        #expect(replica.dismissViewers() == 1 && replica.viewerCount == 0)
    }
}

extension StreamReplica {
    /// Appends records, and commits each part with its mark.
    func take(_ records: [FeedRecord]) {
        let marks = records.compactMap { if case .partEnd(let mark) = $0 { mark.position } else { nil } }
        append(records, committed: marks.last.map { CommitTracker.Commit(part: $0, of: term) })
    }
}

extension CommitTracker.Commit {
    /// A commit whose place in the feed grows with the part.
    fileprivate init(part: PartPosition, of term: Term) {
        let number = part.msn * 1000 + UInt64(part.part)
        self.init(position: FeedPosition(term: term, number: number), part: part)
    }
}
