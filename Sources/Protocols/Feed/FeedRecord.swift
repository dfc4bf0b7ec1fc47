// SPDX-License-Identifier: Apache-2.0

public import Identity
public import Media

/// One entry of a stream's feed: all that a node must know to write the same bytes under the same names as any other.
///
/// The gateway's sequencer makes records, numbers them from 0 within its term, and nobody else ever adds one.
public enum FeedRecord: Hashable, Sendable {
    /// A unit on its track's clock, in decode order, timestamps whole.
    case accessUnit(AccessUnit)
    /// Nothing more will come; carries why.
    case end(EndReason)
    /// A segment that was listed somewhere and is held by nobody.
    case gap(Gap)
    /// The tracks from here on.
    case parameters(Parameters)
    /// The part ends here.
    case partEnd(PartEnd)
    /// A segment begins here. A term's first record but for `gap` and `parameters` is always one, or `end`.
    case segmentStart(SegmentStart)
    /// All segments up to this number are in the object store.
    case stored(MediaSequenceNumber)
}

/// A segment's number in every playlist of its stream, over terms and discontinuities.
public typealias MediaSequenceNumber = UInt64

/// Where a record stands: its term, and its number within it, from 0.
public struct FeedPosition: Hashable, Comparable, Sendable {
    /// Who appended it.
    public let term: Term
    /// Its number within the term.
    public let number: UInt64

    /// A position of its parts.
    public init(term: Term, number: UInt64) {
        self.term = term
        self.number = number
    }

    /// Orders by term, then by number.
    public static func < (left: FeedPosition, right: FeedPosition) -> Bool {
        (left.term, left.number) < (right.term, right.number)
    }
}

/// Which part: a segment's number and the part's index in it, from 0.
public struct PartPosition: Hashable, Comparable, Sendable {
    /// The segment.
    public let msn: MediaSequenceNumber
    /// The part within the segment, from 0.
    public let part: Int

    /// A position of its parts.
    public init(msn: MediaSequenceNumber, part: Int) {
        self.msn = msn
        self.part = part
    }

    /// Orders by segment, then by part.
    public static func < (left: PartPosition, right: PartPosition) -> Bool {
        (left.msn, left.part) < (right.msn, right.part)
    }
}

/// The tracks of a stream from a record on.
public struct Parameters: Hashable, Sendable {
    /// Counts the parameters of a term from 0; names the init section.
    public let number: UInt32
    /// The tracks, ordered by id, at least one, at most one video and one audio track a rendition. The sound of `main` goes
    /// with every rendition that has none of its own.
    public let tracks: [Track]

    /// Parameters of their parts.
    public init(number: UInt32, tracks: [Track]) {
        self.number = number
        self.tracks = tracks
    }
}

/// A point on a track's clock.
public struct TrackTime: Hashable, Sendable {
    /// The track.
    public let track: TrackID
    /// Ticks on the track's clock, never negative in a feed.
    public let ticks: Int64

    /// A point of its parts.
    public init(track: TrackID, ticks: Int64) {
        self.track = track
        self.ticks = ticks
    }
}

/// Everything that a node which joins here must know about what came before.
public struct SegmentStart: Hashable, Sendable {
    /// The segment's number.
    public let msn: MediaSequenceNumber
    /// The decode time at which each track begins, by track id; one for every track of the parameters.
    public let firstDecodeTimes: [TrackTime]
    /// The `mfhd` sequence number of the segment's first part; each part takes the next.
    public let firstFragmentNumber: UInt32
    /// Civil time at the first unit: when it arrived at the start of a term and after a pause, else counted on by media
    /// time from there; set to the arrival where that is over 250 ms later, and led back to it, by up to 250 ms a
    /// segment, where three segments in a row came over 250 ms earlier.
    public let programDateTime: WallTime
    /// EXT-X-DISCONTINUITY-SEQUENCE of this segment, its own discontinuity counted.
    public let discontinuitySequence: UInt64
    /// Whether EXT-X-DISCONTINUITY stands before this segment.
    public let isDiscontinuity: Bool
    /// Which parameters it is decoded with.
    public let parameters: UInt32
    /// EXT-X-TARGETDURATION in whole seconds; nil until the second segment of the playlist's life has ended.
    public let targetDuration: Int?
    /// PART-TARGET; nil where the stream goes without parts.
    public let partTarget: Duration?
    /// The version of the byte writer that all must use.
    public let packaging: UInt8
    /// The first version in which a stream has layers (docs/decisions/0031). Whoever writes it also hears that a random
    /// access point is wanted.
    public static let firstPackagingOfLayers: UInt8 = 3
    /// Prefix for segment names in playlists, where a CDN serves them.
    public let cdnBase: String?

    /// A start of its parts.
    public init(
        msn: MediaSequenceNumber, firstDecodeTimes: [TrackTime], firstFragmentNumber: UInt32,
        programDateTime: WallTime, discontinuitySequence: UInt64, isDiscontinuity: Bool, parameters: UInt32,
        targetDuration: Int?, partTarget: Duration?, packaging: UInt8 = 1, cdnBase: String? = nil
    ) {
        self.msn = msn
        self.firstDecodeTimes = firstDecodeTimes
        self.firstFragmentNumber = firstFragmentNumber
        self.programDateTime = programDateTime
        self.discontinuitySequence = discontinuitySequence
        self.isDiscontinuity = isDiscontinuity
        self.parameters = parameters
        self.targetDuration = targetDuration
        self.partTarget = partTarget
        self.packaging = packaging
        self.cdnBase = cdnBase
    }
}

/// The end of a part. The units since the mark before it are the part.
public struct PartEnd: Hashable, Sendable {
    /// Which part ends.
    public let position: PartPosition
    /// Where each track stands now: the decode time at which its next unit will begin, by track id.
    public let ends: [TrackTime]
    /// How long the part is on the clock of its video, or of its audio where it has no video.
    public let duration: Duration
    /// Whether the part has a random access point of its video (INDEPENDENT=YES, RFC 8216bis §4.4.4.9); true for audio
    /// alone.
    public let isIndependent: Bool
    /// Whether the segment ends with this part.
    public let closesSegment: Bool
    /// SHA-256 of each rendition's segment, by rendition, where the part closes it.
    public var digests: [SegmentDigest]

    /// An end of its parts.
    public init(
        position: PartPosition, ends: [TrackTime], duration: Duration, isIndependent: Bool, closesSegment: Bool,
        digests: [SegmentDigest] = []
    ) {
        self.position = position
        self.ends = ends
        self.duration = duration
        self.isIndependent = isIndependent
        self.closesSegment = closesSegment
        self.digests = digests
    }
}

/// What the bytes of a segment must hash to.
public struct SegmentDigest: Hashable, Sendable {
    /// The rendition.
    public let rendition: RenditionName
    /// SHA-256, 32 bytes.
    public let sha256: [UInt8]

    /// A digest of its parts.
    public init(rendition: RenditionName, sha256: [UInt8]) {
        self.rendition = rendition
        self.sha256 = sha256
    }
}

/// A segment without media, EXT-X-GAP.
public struct Gap: Hashable, Sendable {
    /// The segment's number.
    public let msn: MediaSequenceNumber
    /// How long it would have been.
    public let duration: Duration

    /// A gap of its parts.
    public init(msn: MediaSequenceNumber, duration: Duration) {
        self.msn = msn
        self.duration = duration
    }
}

/// Why a stream ended.
public enum EndReason: UInt8, Hashable, Sendable {
    /// The publisher went and did not come back in its grace.
    case publisherGone = 1
    /// An operator stopped it.
    case stopped = 2
    /// The node is going down and nobody takes over.
    case shutdown = 3
}
