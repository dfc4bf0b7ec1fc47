// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
import Media

/// What of a window goes to the object store.
extension MediaWindow {
    /// The segments behind `msn`, or all where it is nil, that will never change: every part of them is committed, and
    /// either a mark has closed them or something committed stands behind them.
    public func storable(after msn: MediaSequenceNumber?) -> [StoredSegment] {
        guard let committed else { return [] }
        return segments.indices.compactMap { index in
            let segment = segments[index]
            guard segment.msn >= base, msn.map({ segment.msn > $0 }) ?? true, segment.phase != .open,
                let last = segment.lastPosition, last <= committed,
                segment.phase == .closed || isEnded || committed.msn > segment.msn
            else { return nil }
            return StoredSegment(segment)
        }
    }

    /// The committed parts behind `position`, or all where it is nil, of the newest segment that has some and of the one
    /// before; none where playlists list none. Each with the term in its name.
    public func freshParts(after position: PartPosition?) -> [(position: PartPosition, term: Term)] {
        guard let committed else { return [] }
        var parts: [(position: PartPosition, term: Term)] = []
        for segment in segments.suffix(3) where segment.msn &+ 1 >= committed.msn && segment.partTarget != nil {
            for index in segment.parts.indices {
                let part = PartPosition(msn: segment.msn, part: index)
                if part <= committed, position.map({ part > $0 }) ?? true { parts.append((part, segment.term)) }
            }
        }
        return parts
    }

    /// Whether a segment is the first of its stream, so that nothing before it is on its timeline.
    public func isBeginning(_ msn: MediaSequenceNumber) -> Bool { knowsBeginning && msn == base }

    /// The renditions that have all of a segment held, `main` first; empty where it is not held.
    public func renditions(of msn: MediaSequenceNumber) -> [RenditionName] {
        guard let index = index(of: msn), let birth = birth(of: segments[index]) else { return [] }
        return birth.renditions.filter { !segments[index].isGap($0) }
    }
}

extension StoredSegment {
    fileprivate init(_ segment: WindowSegment) {
        self.init(
            msn: segment.msn, term: segment.wholeTerm,
            initSection: segment.initSection,
            duration: .microseconds(segment.microseconds), programDateTime: segment.programDateTime,
            isDiscontinuity: segment.isDiscontinuity, isGap: segment.isGap)
    }
}
