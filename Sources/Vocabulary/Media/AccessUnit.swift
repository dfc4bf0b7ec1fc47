// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// A track's number within its stream, 1 to 255. Video is 1 and audio is 2 where a stream has one of each.
public struct TrackID: Hashable, Comparable, Sendable {
    /// The number.
    public let number: UInt8

    /// Track `number`.
    public init(_ number: UInt8) { self.number = number }

    /// The first video track.
    public static let video = TrackID(1)
    /// The first audio track.
    public static let audio = TrackID(2)

    /// Orders by number.
    public static func < (left: TrackID, right: TrackID) -> Bool { left.number < right.number }
}

/// What a decoder takes at once: a coded picture, or one packet of audio.
public struct AccessUnit: Hashable, Sendable {
    /// The track it belongs to.
    public var track: TrackID
    /// When it is decoded. From an ingest this is the publisher's time on the publisher's clock; in the feed it is on
    /// the track's own clock, never goes back, and starts where the unit before it ended.
    public var decodeTime: MediaTime
    /// Presentation time minus decode time, on the same clock. Not 0 only with B-frames.
    public var compositionOffset: Int32
    /// Whether a decoder can start here. True for every unit of audio.
    public var isRandomAccess: Bool
    /// The bytes, as a CMAF sample carries them: NAL units behind 4-byte lengths without parameter sets and delimiters
    /// (H.264, HEVC), OBUs without temporal delimiters (AV1), a raw data block (AAC), a packet (Opus).
    public var payload: ByteSlice

    /// A unit of its parts.
    public init(
        track: TrackID, decodeTime: MediaTime, compositionOffset: Int32 = 0, isRandomAccess: Bool, payload: ByteSlice
    ) {
        self.track = track
        self.decodeTime = decodeTime
        self.compositionOffset = compositionOffset
        self.isRandomAccess = isRandomAccess
        self.payload = payload
    }

    /// When it is seen or heard.
    public var presentationTime: MediaTime {
        MediaTime(ticks: decodeTime.ticks &+ Int64(compositionOffset), timescale: decodeTime.timescale)
    }
}
