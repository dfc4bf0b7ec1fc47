// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Media
import Replica
import Telemetry
import TestKit
import Testing

/// A stream at its gateway, fed as fast as a test wants it.
final class GatewayFeed {
    let replica: StreamReplica
    let node: RelayedNode
    private var sequencer: Sequencer
    private var media: AnyIterator<SyntheticMedia.Event>
    private var commits: CommitTracker
    private var clock = ManualClock()
    private var number: UInt64 = 0
    /// Whether what is appended is committed at once.
    var isAlone = true

    static let term = Term(number: 5, salt: 1)

    init(on node: RelayedNode) throws {
        self.node = node
        replica = StreamReplica(
            id: try Self.stream, checkingOneIn: 1, settings: MediaWindowSettings(),
            metrics: ReplicaMetrics(node.registry), tracer: node.tracer)
        _ = replica.succeed(in: Self.term, firstSegment: 10)
        node.replicas.insert(replica)
        let kind = SyntheticMedia()
        media = AnyIterator(kind.events(for: .seconds(600)).makeIterator())
        let settings = SequencerSettings(segmentTarget: .seconds(1), partTarget: .milliseconds(200))
        sequencer = Sequencer(settings: settings, term: Self.term, firstMSN: 10)
        commits = CommitTracker(term: Self.term)
        var records: [FeedRecord] = []
        for track in kind.tracks {
            sequencer.parameters(kind.parameters(track), for: track, now: .zero, wall: clock.wall, into: &records)
        }
    }

    static var stream: StreamID { get throws { try StreamID(parsing: "live/cam") } }

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

    /// Ends the stream.
    func end() {
        var records: [FeedRecord] = []
        sequencer.end(.stopped, now: clock.now, into: &records)
        append(records)
    }

    private func append(_ records: [FeedRecord]) {
        guard !records.isEmpty else { return }
        for record in records {
            if case .partEnd(let mark) = record { _ = commits.append(mark.position, number: number) }
            number += 1
        }
        replica.append(records, committed: isAlone ? commits.committed : nil)
    }
}

extension StreamReplica {
    /// The bytes of a name as they would be served; nil where they are not.
    func served(_ resource: MediaResource) -> [UInt8]? {
        let directive = decide(resource, query: [], hasWaited: false, wake: nil)
        guard directive == .segment || directive == .part else { return nil }
        return bytes(for: directive, of: resource).map { Array($0.chunks.joined()) }
    }

    /// The text of the newest playlist.
    var playlist: [UInt8]? {
        let resource = MediaResource.mediaPlaylist(.main)
        let directive = decide(resource, query: [], hasWaited: false, wake: nil)
        return bytes(for: directive, of: resource).map { Array($0.chunks.joined()) }
    }
}
