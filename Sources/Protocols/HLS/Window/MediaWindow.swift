// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
import Media

/// A node's window on one stream: which segments and parts there are, and their media. Hop 8 in the life of a frame.
///
/// It obeys the marks of the feed and decides nothing: two windows that hold the same records list the same and write
/// the same bytes, also where one of them joined late. Only committed parts are listed. A node joins at any
/// `segmentStart`, after the `parameters` in force there; a window that so begins in mid-stream answers no playlist
/// until it holds all that the playlist must list (`currentKey` is nil), but serves media at once.
public struct MediaWindow: Sendable {
    /// The stream.
    public let stream: StreamID
    /// How much is listed.
    public let settings: MediaWindowSettings
    /// The newest term heard of; records of lower ones are refused.
    public private(set) var term: Term?
    /// The last part that is committed, or the last gap; nothing after it is listed.
    public private(set) var committed: PartPosition?
    /// The furthest part that was ever committed here: no playlist that ends before it is given.
    public private(set) var furthest: PartPosition?
    /// The highest number that a playlist given here ever began with: none begins before it.
    private(set) var beginning: MediaSequenceNumber?
    /// Why the stream ended, where it has.
    public private(set) var endReason: EndReason?
    /// EXT-X-TARGETDURATION in seconds, once decided; fixed until the end.
    public private(set) var targetDuration: Int?

    /// The version of the byte writer of the newest segment; nil before the first.
    public var packaging: UInt8? { segments.last?.packaging }

    /// What is held, oldest first, without a hole in the numbers since `base`.
    private(set) var segments: [WindowSegment] = []
    /// The parameters that segments held, or to come, refer to.
    private(set) var births: [ParametersBirth] = []
    /// The first segment of the playlist's life that is known here.
    private(set) var base: MediaSequenceNumber = 0
    /// Whether `base` is the first segment of all.
    private(set) var knowsBeginning = false

    /// Units since the last mark.
    private var pending: [AccessUnit] = []
    /// The number that the next record of the term bears; nil before the first.
    private var nextNumber: UInt64?
    /// Whether all records of the term so far are here and none began a segment.
    private var isAtTermStart = false
    /// Where the newest term goes on from its former one; nil where it goes on from nothing.
    private var continues: FeedPosition?
    /// Where the record stands that ended the stream; nil while it has not.
    private var endedAt: FeedPosition?
    /// Whether units and part marks are meaningless until the next segment starts.
    private var isJoining = true
    /// The furthest commit heard of, perhaps ahead of the records.
    private var announced: PartPosition?

    /// A window on `stream` that holds nothing yet.
    public init(stream: StreamID, settings: MediaWindowSettings = MediaWindowSettings()) {
        self.stream = stream
        self.settings = settings
    }

    /// Takes the next record. One of a lower term, or one that is here already, changes nothing; a hole in the numbers
    /// drops the segment in which it is and waits for the next start.
    /// - Returns: whether requests that wait may have an answer now: the reach moved, the first playlist can be written
    ///   (which the third segment start decides, by its target duration), or the stream ended.
    @discardableResult
    public mutating func append(_ record: FeedRecord, at position: FeedPosition) -> Bool {
        if case .accessUnit(let unit) = record {
            if admit(position), !isJoining { pending.append(unit) }
            return false
        }
        let before = (reach, currentKey, isEnded)
        if admit(position) { obey(record, term: position.term) }
        return before != (reach, currentKey, isEnded)
    }

    private mutating func obey(_ record: FeedRecord, term: Term) {
        switch record {
        case .end(let reason): end(reason)
        case .gap(let gap): skip(gap)
        case .parameters(let parameters): learn(parameters, term: term)
        case .partEnd(let mark): endPart(mark)
        case .segmentStart(let start): begin(start, term: term)
        case .accessUnit, .stored: break  // what the object store has changes neither playlists nor bytes
        }
    }

    /// A newer term begins, and goes on from its former one at `continues`: an end that stands behind it is void, also where
    /// a term between has said so. Segments and parts behind it are listed until the first segment of the term, or its end,
    /// says which they are. Where it goes on from nothing (nil), or from more than is held, nothing held is listed with it.
    public mutating func goOn(from continues: FeedPosition?) {
        self.continues = continues
        if let endedAt, let continues, endedAt >= continues {
            endReason = nil
            self.endedAt = nil
        }
    }

    /// Hears that all parts up to `position` are held by both holders. May run ahead of the records, never back.
    /// - Returns: as ``append(_:at:)``.
    @discardableResult
    public mutating func commit(upTo position: PartPosition) -> Bool {
        let before = (reach, currentKey)
        announced = max(announced ?? position, position)
        settle()
        return before != (reach, currentKey)
    }

    /// Keeps bytes written for a part.
    mutating func keep(_ bytes: [UInt8], segment: Int, part: Int, for rendition: RenditionName, of renditions: Int) {
        segments[segment].keep(bytes, part: part, for: rendition, of: renditions)
    }

    /// Keeps an init section written.
    mutating func keep(_ bytes: [UInt8], birth: Int, for rendition: RenditionName) {
        births[birth].initSections.append(RenditionBytes(rendition: rendition, bytes: bytes))
    }
}

// MARK: - Obeying the marks

extension MediaWindow {
    private mutating func begin(_ start: SegmentStart, term: Term) {
        pending.removeAll(keepingCapacity: true)
        if !makeRoom(for: start.msn) {
            base = start.msn
            knowsBeginning = isAtTermStart && start.targetDuration == nil
            targetDuration = nil
        }
        targetDuration = targetDuration ?? start.targetDuration.map { min(max($0, 1), 86_400) }
        segments.append(WindowSegment(start, term: term))
        isAtTermStart = false
        isJoining = false
        trim()
    }

    private mutating func endPart(_ mark: PartEnd) {
        guard !isJoining else { return }
        guard let open = segments.last, open.phase == .open,
            mark.position == PartPosition(msn: open.msn, part: open.parts.count)
        else { return abandon() }
        guard mark.hasMedia else { return cutOff() }
        let place = position?.number ?? 0
        segments[segments.count - 1].append(mark, at: place, units: pending, birth: birth(of: open))
        pending = []
        if mark.closesSegment { isJoining = true }
        settle()
        trim()
    }

    /// The segment ended with the part before, and nobody knew it then: the playlist directly after that part still
    /// shows it open, as it did.
    private mutating func cutOff() {
        closeOpen()
        pending.removeAll(keepingCapacity: true)
        isJoining = true
        settle()
    }

    private mutating func skip(_ gap: Gap) {
        pending.removeAll(keepingCapacity: true)
        guard makeRoom(for: gap.msn), let before = segments.last, let position else { return }
        segments.append(WindowSegment(gap, at: position, after: before))
        isJoining = true
        settle()
        trim()
    }

    private mutating func learn(_ parameters: Parameters, term: Term) {
        guard !births.contains(where: { $0.term == term && $0.parameters.number == parameters.number }) else { return }
        births.append(ParametersBirth(parameters, term: term))
    }

    private mutating func end(_ reason: EndReason) {
        // What the term can not be said to go on from is not whole here.
        if !cutBack(), segments.last?.phase == .open { segments.removeLast() }
        closeOpen()
        rewind()
        pending = []
        isJoining = true
        endReason = reason
        endedAt = position
    }

    /// Where the newest record stands.
    private var position: FeedPosition? {
        term.flatMap { term in nextNumber.map { FeedPosition(term: term, number: $0 &- 1) } }
    }

    /// Whether the record at `position` is the next one; notices a new term and a hole.
    private mutating func admit(_ position: FeedPosition) -> Bool {
        if let term, position.term < term { return false }
        if term != position.term {
            term = position.term
            nextNumber = nil
            pending.removeAll(keepingCapacity: true)
            isJoining = true
            isAtTermStart = position.number == 0
        }
        if let nextNumber, position.number != nextNumber {
            guard position.number > nextNumber else { return false }
            isAtTermStart = false
            abandon()
        }
        nextNumber = position.number &+ 1
        return true
    }

    /// Drops the open segment, of which something is missing.
    private mutating func abandon() {
        pending.removeAll(keepingCapacity: true)
        isJoining = true
        if segments.last?.phase == .open { segments.removeLast() }
        rewind()
    }

    /// Prepares for a segment `msn`: removes what is held from there on and closes what is open before it. Returns
    /// whether the segment goes on from the one before; otherwise nothing that is held is listed with it.
    private mutating func makeRoom(for msn: MediaSequenceNumber) -> Bool {
        while let last = segments.last, last.msn >= msn { segments.removeLast() }
        let isHeld = cutBack()
        if isHeld { closeOpen() }
        rewind()
        let isOver = endReason != nil
        endReason = nil
        endedAt = nil
        guard isHeld, !isOver, let last = segments.last else { return false }
        return last.msn &+ 1 == msn && last.msn >= base
    }

    /// Before the first segment, gap or end of the newest term: removes what that does not go on from, be it of its former
    /// term, of which only a node holds more that was cut off together with the former gateway, or of terms between, which
    /// came to nothing. A segment that is cut so bears the newest term in its name, as others may hold more or fewer of the
    /// parts behind. Returns whether all that the term goes on from is here; what ends sooner here gets no such name.
    private mutating func cutBack() -> Bool {
        guard let position, let held = segments.last, held.term < position.term else { return true }
        guard let continues else { return false }
        while let last = segments.last, last.begins(behind: continues) { segments.removeLast() }
        guard let last = segments.last, last.term == continues.term else { return false }
        let isCut = last.isCut(by: continues)
        if isCut { segments[segments.count - 1].reopen() }
        let known = last.marks.count { $0 < continues.number }
        guard segments[segments.count - 1].ends(at: continues, after: known) else { return false }
        if isCut { segments[segments.count - 1].truncate(to: known, at: position) }
        return true
    }

    /// The open segment ends here.
    private mutating func closeOpen() {
        guard let open = segments.last, open.phase == .open else { return }
        if open.parts.isEmpty {
            segments.removeLast()
        } else {
            segments[segments.count - 1].cutOff(at: position ?? FeedPosition(term: open.term, number: 0))
        }
    }

    /// Takes back commits of what is no longer held.
    private mutating func rewind() {
        let last = segments.last { $0.lastPosition != nil }?.lastPosition
        if let position = committed, position > (last ?? position) {
            committed = last
            announced = last
        }
    }

    /// Moves the committed position to the last part held of those announced.
    private mutating func settle() {
        guard let announced else { return }
        for index in segments.indices.reversed() where segments[index].msn <= announced.msn {
            guard let last = segments[index].lastPosition else { continue }
            committed = max(committed ?? min(last, announced), min(last, announced))
            note(committed ?? last)
            return
        }
    }

    /// Notes what playlists may be seen from now on.
    private mutating func note(_ position: PartPosition) {
        guard furthest.map({ position > $0 }) ?? true else { return }
        furthest = position
        guard let state = state(PlaylistKey(position: position)), isReady(state) else { return }
        let first = segments[state.listed.lowerBound].msn
        beginning = max(beginning ?? first, first)
    }

    /// Lets go what is older than twice the window, and parameters that nothing refers to any more. Of a stream that
    /// ended and began anew, one window stays, for viewers who still play it.
    private mutating func trim() {
        let listed = listStart(before: segments.count).index
        let isYoung = segments[listed].msn == base
        let kept = isYoung ? max(0, listed - settings.segments) : listStart(before: listed).index
        guard kept > 0 else { return }
        segments.removeFirst(kept)
        guard let first = segments.first else { return }
        births.removeAll { birth in
            birth.term < first.parametersTerm
                || birth.term == first.parametersTerm && birth.parameters.number < first.parameters
        }
    }
}
