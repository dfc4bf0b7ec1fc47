// SPDX-License-Identifier: Apache-2.0

public import Media
import RTMP
import RTP

/// The pictures of a clip that is played for ever at the speed of life, as payloads of RTP (RFC 3550). Sound stays behind:
/// that of most clips is AAC, which nobody takes over RTP.
public struct ClipPictures: Sendable {
    /// Why a clip can not be published.
    public enum Failure: Error, Hashable, Sendable {
        /// It has no pictures that RTP carries.
        case noPictures
        /// It has B-frames to which other pictures refer: who shows pictures in the order in which they come can not have
        /// them.
        case reorderedReferences
    }

    /// One of them, whose payloads are there until the next.
    struct Picture: Hashable, Sendable {
        /// When it is shown, on a clock of 90 kHz.
        let timestamp: Int64
        /// Whether a decoder can start at it.
        let isRandomAccess: Bool
    }

    /// What they are coded in.
    let codec: RTPCodec
    /// What the first of them are decoded with.
    let parameters: VideoParameters
    /// Those of the last picture.
    private(set) var payloads = PayloadBatch()
    private var cursor: ClipCursor
    private var media = MediaFromRTMP()
    private var outgoing: RTPFromMedia
    private var events: [MediaFromRTMP.Event] = []

    /// Those of a clip from its beginning.
    /// - Parameter wall: civil time at `now`.
    public init(_ clip: Clip, wall: WallTime, now: Duration) throws(Failure) {
        for message in clip.preamble { try? media.accept(message, into: &events) }
        guard let sets = events.lazy.compactMap(Self.videoParameters).first, let codec = RTPCodec(sets.codec) else {
            throw .noPictures
        }
        events.removeAll()
        self.codec = codec
        parameters = sets
        cursor = ClipCursor(clip)
        outgoing = RTPFromMedia(wall: wall, now: now)
        outgoing.begin([Self.track(sets)])
        var once = self
        for _ in clip.messages { _ = once.next(elapsed: once.due, stamp: nil, now: now) }
        guard once.outgoing.refusal(.video) == nil else { throw .reorderedReferences }
    }

    /// When the next unit of the clip is due, after the stream's beginning; it may be one of sound.
    var due: Duration { cursor.due }

    /// What sender reports say.
    var clock: SendClock { outgoing.clock }

    /// The next unit's picture if it is due, its payloads put in the place of the last one's; nil for a unit of sound, and for
    /// a picture of which nothing can be sent.
    /// - Parameters:
    ///   - elapsed: the time since the stream began.
    ///   - stamp: what is written over the end of the picture; nil for nothing.
    mutating func next(elapsed: Duration, stamp: Duration?, now: Duration) -> Picture? {
        guard let tag = cursor.next(elapsed: elapsed), tag.kind == .video else { return nil }
        let message = MediaMessage(kind: .video, timestamp: tag.timestamp, body: tag.payload)
        try? media.accept(message, into: &events)
        defer { events.removeAll(keepingCapacity: true) }
        var picture: Picture?
        for event in events {
            switch event {
            case .accessUnit(let unit): picture = packetize(unit, stamp: stamp, now: now)
            case .metadata: break
            case .parameters(_, let sets):
                if case .video(let sets) = sets { outgoing.change([Self.track(sets)]) }
            }
        }
        return picture
    }
}

extension ClipPictures {
    private static func videoParameters(_ event: MediaFromRTMP.Event) -> VideoParameters? {
        guard case .parameters(_, .video(let sets)) = event else { return nil }
        return sets
    }

    private static func track(_ sets: VideoParameters) -> Track { Track(id: .video, parameters: .video(sets)) }

    /// Times are the publisher's, in milliseconds; those of packets are of 90 kHz.
    private mutating func packetize(_ unit: AccessUnit, stamp: Duration?, now: Duration) -> Picture? {
        var unit = unit
        unit.decodeTime = unit.decodeTime.converted(to: .video)
        unit.compositionOffset = unit.compositionOffset &* 90
        if let stamp { unit.payload = FrameStamp.write(stamp, over: unit.payload) }
        guard case .payloads(let timestamp) = outgoing.packetize(unit, now: now, into: &payloads) else { return nil }
        return Picture(timestamp: timestamp, isRandomAccess: unit.isRandomAccess)
    }
}
