// SPDX-License-Identifier: Apache-2.0

import Feed
import Foundation
import HLS
import Identity
import Media
import Replica
import Synchronization
import Telemetry
import TestKit
import Testing

@Suite("A replica with a long past")
struct LongPastTests {
    private static let term = Term(number: 5, salt: 1)
    /// The first segment that the replica holds; all before it are the past.
    private static let first: MediaSequenceNumber = 100_000

    @Test("writes playlists of it while others ask what they like")
    func unlocked() async throws {
        let replica = try replica()
        let rewind = Rewind(reach: .seconds(1_000_000), history: history())
        let resource = MediaResource.mediaPlaylist(.main)
        let directive = replica.decide(resource, query: [], hasWaited: false, wake: nil)
        let others = Askers(replica)
        defer { others.stop() }
        try await eventually("others ask") { others.count > 0 }
        var answered = 0
        let playlists = 5
        for _ in 0..<playlists {
            let before = others.count
            let text = try #require(replica.bytes(for: directive, of: resource, rewind: rewind)?.chunks.first)
            answered += others.count - before
            #expect(text.count > 1_000_000)
        }
        // Were the lock held meanwhile, there would be one at the most that had it before, and one behind.
        #expect(answered > playlists * 20, "\(answered)")
    }

    private func replica() throws -> StreamReplica {
        let replica = StreamReplica(
            id: try StreamID(parsing: "demo"), checkingOneIn: 1, settings: MediaWindowSettings(),
            metrics: ReplicaMetrics(MetricRegistry(families: ReplicaMetrics.families)))
        _ = replica.succeed(in: Self.term, firstSegment: 0)
        var media = SyntheticMedia()
        media.framesPerGroup = 30
        let settings = SequencerSettings(segmentTarget: .seconds(1), partTarget: .milliseconds(200))
        var sequencer = Sequencer(settings: settings, term: Self.term, firstMSN: Self.first)
        var (records, clock) = ([FeedRecord](), ManualClock())
        for track in media.tracks {
            sequencer.parameters(media.parameters(track), for: track, now: .zero, wall: clock.wall, into: &records)
        }
        for event in media.events(for: .seconds(20)) {
            clock.advance(to: event.time)
            sequencer.append(event.unit, now: clock.now, wall: clock.wall, into: &records)
        }
        replica.take(records.map(Self.inMidStream))
        return replica
    }

    /// The first segment as one that others went before.
    private static func inMidStream(_ record: FeedRecord) -> FeedRecord {
        guard case .segmentStart(let start) = record, start.msn == first else { return record }
        return .segmentStart(
            SegmentStart(
                msn: start.msn, firstDecodeTimes: start.firstDecodeTimes,
                firstFragmentNumber: start.firstFragmentNumber, programDateTime: start.programDateTime,
                discontinuitySequence: 0, isDiscontinuity: false, parameters: start.parameters, targetDuration: 1,
                partTarget: start.partTarget))
    }

    /// All that went before what the replica lists, and on to where its list begins.
    private func history() -> StreamHistory {
        var history = StreamHistory()
        history.see(
            (Self.first - 20_000..<Self.first + 20).map { msn in
                StoredSegment(
                    msn: msn, term: Self.term, initSection: InitSectionName(term: Self.term, number: 0),
                    duration: .seconds(1),
                    programDateTime: WallTime(milliseconds: Int64(msn) * 1000))
            })
        return history
    }
}

/// A thread that asks a replica again and again how far it can answer.
private final class Askers: Sendable {
    private let asked = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)

    init(_ replica: StreamReplica) {
        Thread.detachNewThread { [self] in
            while !isOver.load(ordering: .relaxed) {
                _ = replica.outlook
                asked.add(1, ordering: .relaxed)
            }
        }
    }

    var count: Int { asked.load(ordering: .relaxed) }

    func stop() { isOver.store(true, ordering: .relaxed) }
}
