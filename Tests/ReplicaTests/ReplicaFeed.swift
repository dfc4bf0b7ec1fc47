// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Media
import Replica
import Telemetry
import TestKit

/// A replica that is fed pictures, groups of ten at 30 a second.
struct ReplicaFeed {
    let replica: StreamReplica
    private var events: AnyIterator<SyntheticMedia.Event>
    private let media: SyntheticMedia

    init(pictureSize: Int) throws {
        var media = SyntheticMedia()
        media.sampleRate = nil
        media.framesPerGroup = 10
        media.rounding = .none
        media.sizes.video = pictureSize
        let metrics = ReplicaMetrics(MetricRegistry(families: ReplicaMetrics.families))
        replica = StreamReplica(
            id: try StreamID(parsing: "live/demo"), checkingOneIn: 1, settings: MediaWindowSettings(), metrics: metrics)
        _ = replica.succeed(in: Term(number: 1, salt: 1), firstSegment: 0)
        self.media = media
        events = AnyIterator(media.events(for: .seconds(60)).makeIterator())
        let track = Track(id: .video, parameters: media.parameters(.video))
        let start = SegmentStart(
            msn: 0, firstDecodeTimes: [TrackTime(track: .video, ticks: 0)], firstFragmentNumber: 1,
            programDateTime: WallTime(milliseconds: 0), discontinuitySequence: 0, isDiscontinuity: false,
            parameters: 0, targetDuration: nil, partTarget: nil)
        replica.append([.parameters(Parameters(number: 0, tracks: [track])), .segmentStart(start)], committed: nil)
    }

    /// Another gateway goes on in a term of its own, whose first picture is decoded at `ticks`.
    mutating func succeed(in term: Term, at ticks: Int64) {
        guard let summary = replica.succeed(in: term, firstSegment: 0) else { return }
        let start = SegmentStart(
            msn: summary.nextSegment, firstDecodeTimes: [TrackTime(track: .video, ticks: ticks)],
            firstFragmentNumber: 1,
            programDateTime: WallTime(milliseconds: 0), discontinuitySequence: 0, isDiscontinuity: false,
            parameters: 0, targetDuration: nil, partTarget: nil)
        replica.append([.segmentStart(start)], committed: nil)
        var media = media
        media.start = MediaTime(ticks: ticks, timescale: .video).duration
        events = AnyIterator(media.events(for: .seconds(60)).makeIterator())
    }

    /// Appends so many pictures; returns them.
    @discardableResult
    mutating func append(_ count: Int) -> [AccessUnit] {
        let units = (0..<count).compactMap { _ in events.next()?.unit }
        replica.append(units.map { .accessUnit($0) }, committed: nil)
        return units
    }
}
