// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Media

/// Access units of one stream as payloads with outgoing times, once for all viewers.
///
/// The other half of `MediaFromRTP`. A browser shows pictures in the order in which they come, so none may come that is
/// shown before one that was sent. *The rule for B-frames*: a picture that would be shown before one that was sent is
/// dropped where no other refers to it (H.264: `nal_ref_idc` 0; HEVC: a sub-layer non-reference or a leading picture).
/// Where others refer to it, as in pyramids of B-frames, dropping it would break them: the track is refused, up to the
/// next term or parameters. The publisher's encoder has to leave B-frames out, or make none that others refer to.
public struct RTPFromMedia: Sendable {
    /// What became of a unit.
    public enum Outcome: Hashable, Sendable {
        /// Nothing is sent of it.
        case dropped(Drop)
        /// Its payloads are in the batch; its time is on the clock of its codec, ready for the ring.
        case payloads(timestamp: Int64)
    }

    /// Why nothing is sent of a unit.
    public enum Drop: Hashable, Sendable {
        /// No picture was sent before from which it could be decoded.
        case awaitsRandomAccess
        /// It is not past what its track sent before the term.
        case backwards
        /// Its bytes can not be read.
        case malformed
        /// Its track can not be sent.
        case refused(Refusal)
        /// It would be shown before a picture that was sent, and no other refers to it.
        case reordered
        /// There is no such track.
        case unknownTrack
    }

    /// Why a track can not be sent to WHEP viewers.
    public enum Refusal: Hashable, Sendable {
        /// AAC, which no browser takes over RTP.
        case codec(Codec)
        /// Opus with more channels than RFC 7587 knows.
        case channels(UInt8)
        /// B-frames to which other pictures refer.
        case reorderedReferences
    }

    private var tracks: [OutgoingTrack] = []
    private var timeline: OutgoingTimeline
    private let settings: PacketizerSettings

    /// A stream of which nothing was sent.
    /// - Parameter wall: civil time at `now`.
    public init(wall: WallTime, now: Duration, settings: PacketizerSettings = PacketizerSettings()) {
        timeline = OutgoingTimeline(wall: wall, now: now)
        self.settings = settings
    }

    /// What sender reports of the stream's tracks say.
    public var clock: SendClock { timeline.clock }

    /// Why a track can not be sent; nil where it can.
    public func refusal(_ track: TrackID) -> Refusal? { tracks.first { $0.track.id == track }?.refusal }

    /// A term begins with these tracks. What follows is sent behind what was sent, whatever its times are.
    public mutating func begin(_ tracks: [Track]) {
        timeline.begin()
        self.tracks = tracks.map { OutgoingTrack($0, settings) }
    }

    /// The tracks from here on, within a term. One that is as it was goes on as it was.
    public mutating func change(_ tracks: [Track]) {
        self.tracks = tracks.map { track in
            self.tracks.first { $0.track == track } ?? OutgoingTrack(track, settings)
        }
    }

    /// Puts the payloads of one unit into `batch`, from which what was there is removed.
    public mutating func packetize(_ unit: AccessUnit, now: Duration, into batch: inout PayloadBatch) -> Outcome {
        batch.removeAll()
        guard let index = tracks.firstIndex(where: { $0.track.id == unit.track }) else {
            return .dropped(.unknownTrack)
        }
        if let drop = tracks[index].admit(unit) { return .dropped(drop) }
        guard tracks[index].packetize(unit, into: &batch) else { return .dropped(.malformed) }
        guard let time = timeline.place(unit.shown, track: unit.track, now: now) else {
            // What refers to it can not be decoded either.
            tracks[index].awaitsRandomAccess = tracks[index].track.codec.isVideo
            batch.removeAll()
            return .dropped(.backwards)
        }
        tracks[index].sent(unit)
        return .payloads(timestamp: time.ticks)
    }
}

extension AccessUnit {
    /// When it is shown.
    var shown: MediaTime {
        MediaTime(ticks: decodeTime.ticks &+ Int64(compositionOffset), timescale: decodeTime.timescale)
    }
}
