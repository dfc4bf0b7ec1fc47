// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
import Media

/// What is known of the segments of one rendition that a playlist may reach back to: what the object store lists, and behind
/// that what was seen here and may not be stored yet. The numbers have no hole, as a playlist says only the first.
public struct StreamHistory: Hashable, Sendable {
    /// The oldest first.
    public private(set) var segments: [StoredSegment] = []
    /// The newest segment that the store lists; nil where it lists none of them.
    public private(set) var confirmed: MediaSequenceNumber?
    /// Nothing before it is taken: a playlist that was given began there for want of more.
    private var floor: MediaSequenceNumber?
    /// Whether the store lists nothing before the first, or has a hole there.
    private var isStoresFirst = false

    /// Nothing is known.
    public init() {}

    /// The numbers known; nil where none is.
    public var numbers: ClosedRange<MediaSequenceNumber>? {
        guard let first = segments.first, let last = segments.last else { return nil }
        return first.msn...last.msn
    }

    /// Takes what the store lists now: of all playlists together the last stretch without a hole in its numbers. What was
    /// seen behind it stays.
    /// - Parameters:
    ///   - playlists: those of the stream's recordings, the oldest first.
    ///   - reach: how much of them is of use.
    public mutating func learn(_ playlists: [StoredPlaylist], reach: Duration) {
        let listed = playlists.flatMap(\.segments)
        guard let last = listed.last?.msn, last >= confirmed ?? 0 else { return }
        var start = listed.count - 1
        var length = listed[start].duration
        while start > 0, listed[start - 1].msn &+ 1 == listed[start].msn, length < reach,
            listed[start - 1].msn >= floor ?? 0
        {
            start -= 1
            length += listed[start].duration
        }
        guard listed[start].msn >= floor ?? 0 else { return }
        isStoresFirst = start == 0 || listed[start - 1].msn &+ 1 != listed[start].msn
        let seen = segments
        segments = Array(listed[start...])
        confirmed = last
        see(seen)
    }

    /// Takes segments that this node holds or held, in their order. One that is known already changes nothing; where one can
    /// not be added without a hole, what was only seen before it is let go with all before that.
    public mutating func see(_ seen: [StoredSegment]) {
        for segment in seen where segment.msn >= floor ?? 0 {
            guard let last = segments.last?.msn else {
                segments.append(segment)
                continue
            }
            guard segment.msn > last else { continue }
            if segment.msn != last &+ 1 {
                segments = []
                confirmed = nil
                isStoresFirst = false
            }
            segments.append(segment)
        }
    }

    /// Lets the oldest go that are of no use any more, as while the store lists nothing new.
    /// - Parameter reach: how much is of use.
    public mutating func trim(to reach: Duration) {
        var length = Duration.zero
        guard
            let first = segments.lastIndex(where: { segment in
                length += segment.duration
                return length >= reach
            }), first > 0
        else { return }
        drop(before: segments[first].msn)
    }

    /// From now on nothing before `msn` is known: a playlist that begins there was given, and none may go back.
    public mutating func begin(at msn: MediaSequenceNumber) {
        floor = max(floor ?? msn, msn)
        drop(before: msn)
    }

    private mutating func drop(before msn: MediaSequenceNumber) {
        guard let first = segments.first?.msn, first < msn else { return }
        segments.removeFirst(min(Int(clamping: msn - first), segments.count))
        isStoresFirst = false
        if let confirmed, confirmed < msn { self.confirmed = nil }
    }

    /// Whether a segment is known.
    public func contains(_ msn: MediaSequenceNumber) -> Bool { numbers?.contains(msn) ?? false }

    /// Whether it begins where it does for want of more, so that others may know more.
    public var isCut: Bool { floor != nil && segments.first?.msn == floor && !isStoresFirst }

    /// Whether the segment of this name is known and has media.
    public func names(_ msn: MediaSequenceNumber, term: Term) -> Bool {
        place(of: msn).map { segments[$0].term == term && !segments[$0].isGap } ?? false
    }

    /// Whether a segment known is decoded with the init section.
    public func names(_ initSection: InitSectionName) -> Bool { segments.contains { $0.initSection == initSection } }

    /// Where the segment of a number stands; nil where it is not known.
    func place(of msn: MediaSequenceNumber) -> Int? {
        guard let numbers, numbers.contains(msn) else { return nil }
        return Int(msn - numbers.lowerBound)
    }
}
