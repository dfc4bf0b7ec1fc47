// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import Identity
import Media

/// The rows of the table for media. A hinted part is waited for; a name that can still come true is waited for until
/// the node is level with its parent; a name that can not is not found.
extension MediaWindow {
    func part(
        _ position: PartPosition, term: Term, rendition: RenditionName, isLevel: Bool
    ) -> BlockingReload.Directive {
        guard let index = place(of: position.msn, term: term), !segments[index].isGap else {
            return absent(position, term: term, isHinted: position == next, isLevel: isLevel)
        }
        guard has(rendition, in: segments[index]) else { return .refuse(.notFound) }
        let parts = segments[index].parts.count
        if position.part < parts { return isCommitted(position) ? .part : wait(until: position) }
        guard segments[index].phase == .open, !isEnded else { return .refuse(.notFound) }
        return position.part == parts || !isLevel ? wait(until: position) : .refuse(.notFound)
    }

    func segment(
        _ msn: MediaSequenceNumber, term: Term, rendition: RenditionName, isLevel: Bool
    ) -> BlockingReload.Directive {
        let end = PartPosition(msn: msn, part: .max)
        guard let index = place(ofWhole: msn, term: term), !segments[index].isGap else {
            return absent(end, term: term, isHinted: false, isLevel: isLevel)
        }
        guard has(rendition, in: segments[index]) else { return .refuse(.notFound) }
        guard segments[index].phase != .open, let last = segments[index].lastPosition, isCommitted(last) else {
            return wait(until: end)
        }
        return .segment
    }

    func initSection(
        _ number: UInt32, term: Term, rendition: RenditionName, isLevel: Bool
    ) -> BlockingReload.Directive {
        if let birth = births.last(where: { $0.term == term && $0.parameters.number == number }) {
            return birth.renditions.contains(rendition) ? .initSection : .refuse(.notFound)
        }
        let isAhead = term >= self.term ?? term && !births.contains { $0.term == term && $0.parameters.number > number }
        return isAhead && !isLevel && !isEnded ? wait(until: next) : .refuse(.notFound)
    }

    /// A name that nothing held bears.
    private func absent(
        _ position: PartPosition, term: Term, isHinted: Bool, isLevel: Bool
    ) -> BlockingReload.Directive {
        guard !isEnded, term >= self.term ?? term else { return .refuse(.notFound) }
        guard let last = segments.last else { return isLevel ? .refuse(.notFound) : wait(until: position) }
        let canCome = position.msn > last.msn || term > last.term
        guard canCome, isHinted && term == last.term || !isLevel else { return .refuse(.notFound) }
        return wait(until: position)
    }

    private func isCommitted(_ position: PartPosition) -> Bool { committed.map { position <= $0 } ?? false }

    /// The place of a segment by its name; also of one that was listed before the stream ended and began anew.
    func place(of msn: MediaSequenceNumber, term: Term) -> Int? {
        segments.lastIndex { $0.msn == msn && $0.term == term }
    }

    /// The place of a segment by its name as a whole.
    func place(ofWhole msn: MediaSequenceNumber, term: Term) -> Int? {
        segments.lastIndex { $0.msn == msn && $0.wholeTerm == term }
    }

    private func has(_ rendition: RenditionName, in segment: WindowSegment) -> Bool {
        birth(of: segment)?.renditions.contains(rendition) ?? false
    }
}
