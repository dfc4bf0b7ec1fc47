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
