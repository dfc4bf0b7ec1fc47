// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
import Media

/// A stream's feed as a node holds it: the window that playlists are answered from, and the records that made it, from
/// which viewers of units and other nodes are served.
///
/// Every part is written as it ends, and the records' payloads then lie in the bytes written: media is in memory once,
/// however it is served.
public struct HeldFeed {
    /// What is listed, and its bytes.
    public var window: MediaWindow
    /// The records of the window.
    public private(set) var log: FeedLog
    /// The furthest commit heard of, perhaps ahead of the records.
    public private(set) var commit: CommitTracker.Commit?
    /// Counts what may have changed a playlist: marks and commits. While only units come it stands still.
    public private(set) var changes: UInt64 = 0
    /// What became of the digests of segments.
    public private(set) var digests = DigestCounters()
    /// The newest segment that the feed says to be in the object store.
    public private(set) var stored: MediaSequenceNumber?

    private var checks: DigestChecks
    /// The hash of the open segment of each rendition; empty where nobody asks for it.
    private var hashers: [(rendition: RenditionName, hasher: SegmentHasher)] = []

    /// A feed of which nothing is held yet.
    public init(stream: StreamID, settings: MediaWindowSettings, term: Term, checks: DigestChecks) {
        window = MediaWindow(stream: stream, settings: settings)
        log = FeedLog(term: term)
        self.checks = checks
    }

    /// The position that the next record bears.
    public var next: FeedPosition { log.next }

    /// Takes the next record. One that is here already changes nothing.
    public mutating func append(_ record: FeedRecord, at position: FeedPosition) {
        guard position >= log.next else { return }
        window.append(record, at: position)
        if !record.isUnit { changes &+= 1 }
        switch record {
        case .partEnd(let mark): append(mark, at: position)
        case .segmentStart(let start):
            let isChecked = checks.contains(start.msn)
            hashers = isChecked ? window.renditions.map { ($0, SegmentHasher()) } : []
            log.append(record, at: position)
            if let oldest = window.held?.lowerBound { log.forget(segmentsBefore: oldest) }
        case .stored(let msn):
            stored = max(stored ?? msn, msn)
            log.append(record, at: position)
        case .accessUnit, .end, .gap, .parameters: log.append(record, at: position)
        }
    }

    /// Goes on at `start`, as the node's parent says.
    public mutating func begin(_ start: FeedStart) {
        guard start.position >= log.next else { return }
        changes &+= 1
        if start.position > log.next { hashers = [] }
        if window.term.map({ $0 < start.position.term }) ?? true { window.goOn(from: start.continues) }
        log.begin(start)
        guard let placed = start.parameters, placed.position < start.position else { return }
        window.append(.parameters(placed.parameters), at: placed.position)
    }

    /// Hears that everything up to `commit` is held by all holders. Never goes back.
    public mutating func commit(upTo commit: CommitTracker.Commit) {
        guard self.commit.map({ $0.position < commit.position }) ?? true else { return }
        self.commit = commit
        changes &+= 1
        window.commit(upTo: commit.part)
    }

    /// Goes on as the gateway of `term`, from all that is held up to the last mark, and commits that anew, with the term's
    /// first record. What an ended stream held is no beginning.
    /// - Returns: what was gone on from; nil where nothing was held.
    public mutating func succeed(in term: Term) -> FeedLegacy? {
        let legacy = log.legacy.flatMap { $0.summary.hasEnded ? nil : $0 }
        checks = .states
        begin(FeedStart(position: FeedPosition(term: term, number: 0), continues: legacy?.end))
        if let part = legacy?.commit?.part {
            commit(upTo: CommitTracker.Commit(position: FeedPosition(term: term, number: 0), part: part))
        }
        return legacy
    }

    /// Becomes that of a subscriber again, which holds segments against what their gateway states.
    public mutating func resign(to checks: DigestChecks) {
        self.checks = checks
        hashers = []
    }

    /// What the gateway stated that a segment's bytes hash to, by rendition; empty where the mark that closed it is not held.
    public func digests(of msn: MediaSequenceNumber) -> [SegmentDigest] {
        for place in (log.firstPlace..<log.endPlace).reversed() {
            if case .partEnd(let mark)? = log[place: place], mark.position.msn == msn, mark.closesSegment {
                return mark.digests
            }
        }
        return []
    }

    private mutating func append(_ mark: PartEnd, at position: FeedPosition) {
        var mark = mark
        log.movePayloads(to: window.write(mark.position, term: position.term))
        for (rendition, hasher) in hashers where mark.hasMedia {
            guard let bytes = window.part(mark.position, term: position.term, rendition: rendition) else {
                hashers = []  // the segment is not whole here
                break
            }
            hasher.update(bytes)
        }
        if mark.closesSegment { close(&mark) }
        log.append(.partEnd(mark), at: position)
    }

    /// States or checks what a segment's bytes hash to.
    private mutating func close(_ mark: inout PartEnd) {
        let digests = hashers.map { SegmentDigest(rendition: $0.rendition, sha256: $0.hasher.finish()) }
        hashers = []
        if checks == .states {
            mark.digests = digests
            return
        }
        for digest in mark.digests {
            guard let ours = digests.first(where: { $0.rendition == digest.rendition }) else { continue }
            self.digests.checked += 1
            if ours != digest { self.digests.mismatched += 1 }
        }
    }
}

extension FeedRecord {
    fileprivate var isUnit: Bool { if case .accessUnit = self { true } else { false } }
}

/// Whose segments are hashed.
public enum DigestChecks: Hashable, Sendable {
    /// All, to state what they hash to: at the gateway.
    case states
    /// One of so many, to compare with what the gateway stated; 1 for all.
    case verifies(oneIn: UInt64)

    func contains(_ msn: MediaSequenceNumber) -> Bool {
        switch self {
        case .states: true
        case .verifies(let share): msn.isMultiple(of: max(1, share))
        }
    }
}

/// What became of the digests of segments.
public struct DigestCounters: Hashable, Sendable {
    /// Segments of a rendition that were compared.
    public var checked = 0
    /// Those whose bytes hash to something else than the gateway stated: must stay 0.
    public var mismatched = 0

    /// Counters of their values, none unless said.
    public init(checked: Int = 0, mismatched: Int = 0) {
        self.checked = checked
        self.mismatched = mismatched
    }
}
