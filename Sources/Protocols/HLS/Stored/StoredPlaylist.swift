// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
import Media

/// A media playlist in the object store: everything of a recording from its first segment on.
///
/// It is an EVENT playlist while the recording grows, and a VOD playlist once it is whole (RFC 8216bis §4.4.3.5). It lies
/// beside the folders of its segments, so its URIs are those that edges write into theirs: `{term}/{msn}.m4s`. What it says
/// can be read back, so whoever goes on with a recording needs nothing but the store.
public struct StoredPlaylist: Hashable, Sendable {
    /// In the order of the stream.
    public private(set) var segments: [StoredSegment]
    /// EXT-X-TARGETDURATION, in seconds, if it was decided: no less than the longest segment, rounded.
    public private(set) var targetDuration: Int
    /// Whether nothing will follow (EXT-X-ENDLIST).
    public var isEnded: Bool

    /// A playlist of segments in their order; `targetDuration` is raised to what they need.
    public init(_ segments: [StoredSegment] = [], targetDuration: Int = 1, isEnded: Bool = false) {
        self.segments = []
        self.isEnded = isEnded
        self.targetDuration = segments.reduce(max(1, targetDuration)) { max($0, $1.roundedSeconds) }
        for segment in segments { list(segment) }
    }

    /// The newest segment's number.
    public var last: MediaSequenceNumber? { segments.last?.msn }

    /// How long all of it is, gaps included.
    public var duration: Duration { segments.reduce(.zero) { $0 + $1.duration } }

    /// How many segments have no media.
    public var gapCount: Int { segments.count(where: \.isGap) }

    /// The terms that the names of its media bear.
    public var terms: Set<Term> { Set(segments.lazy.map(\.term)).union(segments.lazy.map(\.initSection.term)) }

    /// Adds what follows. A segment that is listed already changes nothing. Numbers that are missing before it are listed as
    /// gaps where they are few; where they are many, or go back, nobody knows what was there, and the segment begins a new
    /// timeline.
    /// - Parameters:
    ///   - isBeginning: whether the segment is the first of its stream, which began anew behind what is listed.
    ///   - targetDuration: what the stream's own playlists say.
    public mutating func append(_ segment: StoredSegment, isBeginning: Bool = false, targetDuration: Int? = nil) {
        var segment = segment
        if isBeginning, !segments.isEmpty {
            // Its numbers may have begun below those of an earlier life, whose segments were shorter than a second.
            guard !segments.contains(where: { $0.msn == segment.msn && $0.term == segment.term }) else { return }
            segment.isDiscontinuity = true
        } else if let last = segments.last {
            guard segment.msn > last.msn else { return }
            let missing = segment.msn - last.msn - 1
            if missing > Self.mostGaps {
                segment.isDiscontinuity = true
            } else if missing > 0 {
                fill(missing, before: segment)
            }
        }
        self.targetDuration = max(self.targetDuration, targetDuration ?? 1, segment.roundedSeconds)
        list(segment)
    }

    private mutating func list(_ segment: StoredSegment) {
        var segment = segment
        if segment.isGap {
            segment.initSection = segments.last?.initSection ?? InitSectionName(term: segment.term, number: 0)
        }
        segments.append(segment)
    }

    private mutating func fill(_ missing: MediaSequenceNumber, before next: StoredSegment) {
        guard let last = segments.last else { return }
        let hole = max(0, next.programDateTime.milliseconds - last.end.milliseconds)
        let least = Swift.min(Int64(targetDuration) * 1000, Self.longestGap)
        let each = Duration.milliseconds(Swift.min(least, Swift.max(1, hole / Int64(missing))))
        for number in 0..<missing {
            segments.append(
                StoredSegment(
                    msn: last.msn + 1 + number, term: last.term, initSection: last.initSection, duration: each,
                    programDateTime: last.end.advanced(by: each * Int(number)), isGap: true))
        }
    }

    /// As many as a window may hold.
    private static let mostGaps: MediaSequenceNumber = 64
    private static let longestGap: Int64 = 60_000
}

extension StoredSegment {
    /// EXTINF rounded to nearest, as it is compared with EXT-X-TARGETDURATION (RFC 8216bis §4.4.3.1).
    var roundedSeconds: Int { Int(clamping: (duration.roundedMicroseconds + 500_000) / 1_000_000) }
}

// MARK: - Text

extension StoredPlaylist {
    /// The text, in UTF-8. Civil time is written where it does not count on from the segment before.
    public var text: [UInt8] {
        var text = PlaylistText(capacity: 160 + segments.count * 80)
        text.append("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-PLAYLIST-TYPE:")
        text.append(isEnded ? "VOD" : "EVENT")
        text.append("\n#EXT-X-TARGETDURATION:")
        text.append(targetDuration)
        text.append("\n#EXT-X-MEDIA-SEQUENCE:")
        text.append(segments.first?.msn ?? 0)
        text.append("\n")
        var last: StoredSegment?
        var map: InitSectionName?
        for segment in segments {
            Self.append(segment, after: last, map: &map, to: &text)
            last = segment
        }
        if isEnded { text.append("#EXT-X-ENDLIST\n") }
        return text.bytes
    }

    /// `map` is the init section that was named last. That of a gap is not: a playlist names nothing that is not stored.
    private static func append(
        _ segment: StoredSegment, after last: StoredSegment?, map: inout InitSectionName?, to text: inout PlaylistText
    ) {
        if segment.isDiscontinuity { text.append("#EXT-X-DISCONTINUITY\n") }
        if !segment.isGap, segment.initSection != map {
            map = segment.initSection
            text.append(map: segment.initSection)
        }
        if segment.programDateTime != last?.end || segment.isDiscontinuity {
            text.append("#EXT-X-PROGRAM-DATE-TIME:")
            text.append(segment.programDateTime.description)
            text.append("\n")
        }
        text.append(segment.isGap ? "#EXT-X-GAP\n#EXTINF:" : "#EXTINF:")
        text.append(microseconds: segment.duration.roundedMicroseconds)
        text.append(",\n")
        text.append(segment.term.description)
        text.append("/")
        text.append(segment.msn)
        text.append(".m4s\n")
    }
}
