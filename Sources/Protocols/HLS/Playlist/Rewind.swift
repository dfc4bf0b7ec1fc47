// SPDX-License-Identifier: Apache-2.0

public import Feed

/// What a playlist says beyond its window, so that viewers can go back: older segments, and where those are fetched.
public struct Rewind: Hashable, Sendable {
    /// How far a playlist reaches back; older segments are not listed.
    public let reach: Duration
    /// What is known of older segments.
    public let history: StreamHistory
    /// Scheme, host and path before the keys of old segments, where viewers fetch them elsewhere than from edges; nil for the
    /// edges, or the CDN while the stream's segments come from there.
    public let base: String?
    /// What playlists are asked with, to stand behind the names of other playlists: `dvr=1`; empty where that needs no word.
    public let query: String

    /// A rewind of its parts.
    public init(reach: Duration, history: StreamHistory = StreamHistory(), base: String? = nil, query: String = "") {
        self.reach = reach
        self.history = history
        self.base = base
        self.query = query
    }
}

/// What a rewinding playlist lists before its window.
struct Past {
    /// The oldest first; the numbers go on up to the window's first.
    let segments: ArraySlice<StoredSegment>
    /// The discontinuity sequence of the first segment, its own discontinuity counted.
    let discontinuitySequence: UInt64
    /// Where those are fetched that the store lists; nil for where all others are.
    let storedBase: String?
    /// The newest of those; nil where it lists none.
    let confirmed: MediaSequenceNumber?
    /// Where all others are fetched; nil for the node that is asked.
    let base: String?

    /// Whether the first segment stands behind a discontinuity that its number counts.
    var beginsDiscontinuously: Bool { discontinuitySequence > 0 && segments.first?.isDiscontinuity == true }
}

extension MediaWindow {
    /// The segments before those of `state`: as late as leaves the reach (RFC 8216bis §6.2.2), so that the first moves forward
    /// only. They begin no earlier than the stream, nor than the last hole in the numbers.
    borrowing func past(of state: PlaylistState, _ rewind: Rewind) -> Past? {
        guard let index = state.listed.first, let newest = state.listed.last, !isLifesFirst(index),
            let last = rewind.history.place(of: segments[index].msn &- 1)
        else { return nil }
        let oldest = knowsBeginning ? base : 0
        let known = rewind.history.segments
        var length = segments[state.whole].reduce(Duration.zero) { $0 + Duration.microseconds($1.microseconds) }
        var first = last + 1
        var sequence = segments[index].discontinuitySequence
        var isDiscontinuity = segments[index].isDiscontinuity
        while first > 0, length < rewind.reach, known[first - 1].msn >= oldest {
            // The store tells where a life of the stream began, which the numbers of that life do not count.
            guard !isDiscontinuity || sequence > 0 else { break }
            sequence -= isDiscontinuity ? 1 : 0
            first -= 1
            length += known[first].duration
            isDiscontinuity = known[first].isDiscontinuity
        }
        guard first <= last else { return nil }
        return Past(
            segments: known[first...last], discontinuitySequence: sequence,
            storedBase: rewind.base, confirmed: rewind.history.confirmed, base: segments[newest].cdnBase)
    }

    /// Whether a segment is the first of the stream's life, before which there is nothing.
    borrowing func isLifesFirst(_ index: Int) -> Bool { knowsBeginning && segments[index].msn == base }

    /// Where a playlist of `key` begins without a past; nil where the window can not tell.
    public borrowing func beginning(of key: PlaylistKey) -> PlaylistBeginning? {
        guard let state = state(key), isReady(state), let first = state.listed.first else { return nil }
        return PlaylistBeginning(msn: segments[first].msn, isFirst: isLifesFirst(first))
    }
}

/// Where a playlist begins.
public struct PlaylistBeginning: Hashable, Sendable {
    /// The first segment listed.
    public let msn: MediaSequenceNumber
    /// Whether it is the first of the stream's life, before which there is nothing.
    public let isFirst: Bool
}
