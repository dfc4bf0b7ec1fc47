// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media

/// One segment as a window holds it.
struct WindowSegment: Sendable {
    /// Whether more parts may follow.
    enum Phase: Sendable {
        /// More parts may follow. Exits: `closed` by a mark, `cutOff` by what comes after it.
        case open
        /// Its last part's mark closed it, or it is a gap: the playlist directly after shows it whole. Exits: `open` where a
        /// newer term goes on from before that.
        case closed
        /// A newer start, or the end, cut it off: the playlist after its last part still shows it open. Exits: as `closed`.
        case cutOff
    }

    let msn: MediaSequenceNumber
    /// The term that bore it, and so the names of its parts.
    let term: Term
    /// The term as it stands in the names of its parts.
    let termText: [UInt8]
    /// The term that says where it ends, and so its name as a whole: another where a newer term cut it off.
    private(set) var wholeTerm: Term
    /// That term as it stands in the name.
    private(set) var wholeTermText: [UInt8]
    /// Where the record stands that cut it off; nil where none did.
    private(set) var cutOffAt: FeedPosition?
    /// EXT-X-PROGRAM-DATE-TIME, and the same as text.
    let programDateTime: WallTime
    let programDateText: [UInt8]
    let isDiscontinuity: Bool
    let discontinuitySequence: UInt64
    /// The number of its parameters in `parametersTerm`.
    let parameters: UInt32
    /// The term whose parameters they are: its own, but for a gap, which has those of the segment before it.
    let parametersTerm: Term
    let partTarget: Duration?
    let cdnBase: String?
    let firstFragmentNumber: UInt32
    /// The version of the byte writer.
    let packaging: UInt8
    /// EXT-X-GAP: no media.
    let isGap: Bool
    var phase: Phase
    private(set) var parts: [WindowPart] = []
    /// The number in the feed of the mark that ended each part, or of the gap.
    private(set) var marks: [UInt64] = []
    /// Media time of all parts, or of the gap.
    private(set) var duration: Duration

    /// A segment that begins.
    init(_ start: SegmentStart, term: Term) {
        msn = start.msn
        self.term = term
        termText = Array(term.description.utf8)
        wholeTerm = term
        wholeTermText = termText
        programDateTime = start.programDateTime
        programDateText = Array(start.programDateTime.description.utf8)
        isDiscontinuity = start.isDiscontinuity && start.discontinuitySequence > 0
        discontinuitySequence = start.discontinuitySequence
        parameters = start.parameters
        parametersTerm = term
        partTarget = start.partTarget.flatMap { $0 > .zero ? min($0, Self.longest) : nil }
        cdnBase = start.cdnBase
        firstFragmentNumber = start.firstFragmentNumber
        packaging = start.packaging
        isGap = false
        phase = .open
        duration = .zero
    }

    /// A gap behind `before`, whose timeline it counts on.
    init(_ gap: Gap, at position: FeedPosition, after before: WindowSegment) {
        msn = gap.msn
        term = position.term
        marks = [position.number]
        termText = Array(term.description.utf8)
        wholeTerm = term
        wholeTermText = termText
        programDateTime = before.programDateTime.advanced(by: before.duration)
        programDateText = Array(programDateTime.description.utf8)
        isDiscontinuity = false
        discontinuitySequence = before.discontinuitySequence
        parameters = before.parameters
        parametersTerm = before.parametersTerm
        partTarget = before.partTarget
        cdnBase = before.cdnBase
        firstFragmentNumber = before.firstFragmentNumber &+ UInt32(truncatingIfNeeded: before.parts.count)
        packaging = before.packaging
        isGap = true
        phase = .closed
        duration = min(max(gap.duration, .zero), Self.longest)
    }

    /// The position of its last part; of a gap, its part 0; nil where it has no part yet.
    var lastPosition: PartPosition? {
        if isGap { return PartPosition(msn: msn, part: 0) }
        return parts.isEmpty ? nil : PartPosition(msn: msn, part: parts.count - 1)
    }

    /// The init section that it is decoded with.
    var initSection: InitSectionName { InitSectionName(term: parametersTerm, number: parameters) }

    /// The duration as playlists print it, in microseconds: the sum of its parts' as printed.
    var microseconds: Int64 { duration.roundedMicroseconds }

    /// Whether nothing of it stands before `position`, which is of its own term or of one before.
    func begins(behind position: FeedPosition) -> Bool {
        term > position.term || term == position.term && !marks.contains { $0 < position.number }
    }

    /// Whether it does not end before `position` of its own term.
    func isCut(by position: FeedPosition) -> Bool {
        if let cutOffAt { return cutOffAt >= position }
        return phase == .open || marks.last.map { $0 >= position.number } ?? false
    }

    /// Whether the record before `position` of its own term is the mark of the last of `count` parts, or the one that cut
    /// it off behind them.
    func ends(at position: FeedPosition, after count: Int) -> Bool {
        let last = cutOffAt?.number ?? marks[..<count].last
        return last.map { $0 &+ 1 == position.number } ?? false
    }

    /// The bytes of a rendition's segment, measured without writing it.
    func size(_ rendition: RenditionName) -> Int {
        parts.reduce(0) { sum, part in sum + (part.size(rendition)?.bytes ?? 0) }
    }

    /// The pictures of a rendition.
    func pictures(_ rendition: RenditionName) -> Int {
        parts.reduce(0) { sum, part in sum + (part.size(rendition)?.pictures ?? 0) }
    }

    /// EXT-X-GAP in the playlist of a rendition: it has no media, or not in all of its parts (RFC 8216bis §4.4.4.7).
    func isGap(_ rendition: RenditionName) -> Bool { isGap || parts.contains { $0.isGap(rendition) } }

    /// Whether it begins with a random access point of a rendition.
    func isIndependent(_ rendition: RenditionName) -> Bool {
        isGap || parts.first?.size(rendition)?.beginsIndependent ?? true
    }

    /// Adds a part that ends with `mark`, which is record `place` of the term.
    mutating func append(_ mark: PartEnd, at place: UInt64, units: [AccessUnit], birth: ParametersBirth?) {
        let part = WindowPart(mark, of: self, units: units, birth: birth)
        duration = part.elapsed
        parts.append(part)
        marks.append(place)
        if mark.closesSegment { phase = .closed }
    }

    /// It ends here, says the record at `position`.
    mutating func cutOff(at position: FeedPosition) {
        phase = .cutOff
        cutOffAt = position
        wholeTerm = position.term
        wholeTermText = Array(position.term.description.utf8)
    }

    /// Takes back that it was cut off, or closed.
    mutating func reopen() {
        phase = .open
        cutOffAt = nil
    }

    /// Takes back the parts from `count` on, which the term of `position` never heard of.
    mutating func truncate(to count: Int, at position: FeedPosition) {
        parts.removeLast(max(0, parts.count - count))
        marks.removeLast(max(0, marks.count - count))
        duration = parts.last?.elapsed ?? .zero
        cutOff(at: position)
    }

    /// Keeps the bytes written of a part.
    mutating func keep(_ bytes: [UInt8], part: Int, for rendition: RenditionName, of renditions: Int) {
        parts[part].keep(bytes, for: rendition, of: renditions)
    }

    /// Nothing is longer than a day, whatever a feed claims.
    static let longest: Duration = .seconds(86_400)
}
