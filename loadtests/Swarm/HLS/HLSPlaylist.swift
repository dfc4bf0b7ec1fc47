// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// What a player takes out of a playlist of any server, multivariant or media. URIs stay where they stand in the text
/// until somebody wants one.
public struct HLSPlaylist: Hashable, Sendable {
    /// Where a URI stands in the playlist's bytes.
    public typealias URI = Range<Int>

    /// Bytes that do not begin with `#EXTM3U`.
    public struct Failure: Error, Hashable, Sendable {}

    /// A whole segment, or at the end one that still grows.
    public struct Segment: Hashable, Sendable {
        /// Its media sequence number.
        public let msn: UInt64
        /// nil while it grows.
        public internal(set) var uri: URI?
        /// Its EXTINF; while it grows, the sum of its parts.
        public internal(set) var duration: Duration
        /// Its init section, if there is one.
        public internal(set) var initSection: URI?
        /// Its parts that are listed; older segments have none.
        public internal(set) var parts: [Part]
        /// Whether there is nothing to fetch.
        public internal(set) var isGap: Bool
    }

    /// A partial segment.
    public struct Part: Hashable, Sendable {
        /// Where it is fetched.
        public let uri: URI
        /// How long it plays.
        public let duration: Duration
        /// Whether a player may begin with it.
        public let isIndependent: Bool
        /// Whether there is nothing to fetch.
        public let isGap: Bool
    }

    /// A variant of a stream, at one of the places where it can be had.
    public struct Variant: Hashable, Sendable {
        /// Its media playlist.
        public let uri: URI
        /// PATHWAY-ID; nil where the playlist names none, which is the pathway `.` (RFC 8216bis §4.4.6.2).
        public let pathway: URI?
    }

    /// EXT-X-CONTENT-STEERING.
    public struct Steering: Hashable, Sendable {
        /// Where the steering manifest is.
        public let server: URI
        /// The pathway to begin with, where it is said.
        public let pathway: URI?
    }

    /// The variants, in their order; not empty in a multivariant playlist only.
    public internal(set) var variants: [Variant] = []
    /// Where a player asks which pathway to use.
    public internal(set) var steering: Steering?
    /// The longest a segment may be, rounded; zero where the playlist does not say.
    public internal(set) var targetDuration: Duration = .zero
    /// The longest a part may be; nil without parts.
    public internal(set) var partTarget: Duration?
    /// How far from the end a player of parts plays.
    public internal(set) var partHoldBack: Duration?
    /// How far from the end a player of segments plays.
    public internal(set) var holdBack: Duration?
    /// Whether `_HLS_msn` makes the server wait.
    public internal(set) var canBlockReload = false
    /// From how far behind the end on a delta update leaves segments out; nil where there are no delta updates.
    public internal(set) var canSkipUntil: Duration?
    /// How many segments this playlist leaves out.
    public internal(set) var skipped: UInt64 = 0
    /// The part that comes next, to be asked for before it is there.
    public internal(set) var hint: URI?
    /// Whether nothing more comes.
    public internal(set) var isEnded = false
    /// The media sequence number of the first.
    public internal(set) var firstMSN: UInt64 = 0
    /// All that is listed, oldest first.
    public internal(set) var segments: [Segment] = []
    private let text: ByteSlice

    /// Reads a playlist. Tags and attributes that a load test does not act upon are passed over, as RFC 8216 §6.3.1
    /// wants of unknown ones; so are attributes whose value is none.
    public init(_ text: ByteSlice) throws(Failure) {
        self.text = text
        guard text.starts(with: "#EXTM3U".utf8) else { throw Failure() }
        HLSPlaylistDecoder.decode(text, into: &self)
    }

    /// The text of a URI.
    public func string(_ uri: URI) -> String { String(decoding: text[uri], as: UTF8.self) }

    /// The first unit that is not listed yet, which a blocking reload asks for: RFC 8216bis §6.2.5.2.
    public var next: MediaPosition {
        guard let last = segments.last else { return MediaPosition(msn: firstMSN, part: 0) }
        return last.uri == nil
            ? MediaPosition(msn: last.msn, part: last.parts.count) : MediaPosition(msn: last.msn &+ 1, part: 0)
    }
}

/// A place in a stream's media: a part within a segment.
public struct MediaPosition: Hashable, Comparable, Sendable {
    /// The segment's media sequence number.
    public var msn: UInt64
    /// The part's number in its segment, from 0.
    public var part: Int

    /// A place.
    public init(msn: UInt64, part: Int) {
        self.msn = msn
        self.part = part
    }

    /// Orders as played.
    public static func < (left: MediaPosition, right: MediaPosition) -> Bool {
        (left.msn, left.part) < (right.msn, right.part)
    }
}
