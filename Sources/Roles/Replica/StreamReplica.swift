// SPDX-License-Identifier: Apache-2.0

public import Feed
public import HLS
public import Identity
public import Media
import Synchronization
import Telemetry
import Transport

/// Hop 7 of a frame's life: a node's copy of one stream's live window. Origin and Edge both stand on it.
///
/// Records come in from the gateway (or over the relay), everything that is served goes out of it, and those who wait
/// are woken. Any thread may call; a lock orders the calls, and nothing slow is done while it is held.
public final class StreamReplica: Sendable {
    /// The stream's name.
    public let id: StreamID
    /// Who appends.
    public let term: Term
    /// When this node began to hold it.
    public let createdAt = SystemClock.wall()
    let metrics: ReplicaMetrics
    let state: Mutex<State>

    struct State {
        var window: MediaWindow
        var log: FeedLog
        var wishes: [Wish] = []
        /// The hash of the open segment of each rendition.
        var hashers: [(rendition: RenditionName, hasher: SegmentHasher)] = []
        /// What the gateway last said is committed.
        var committed: PartPosition?
        var viewers = ViewerTable()
        var isAbsent = false
        var isOver = false
    }

    /// What a loop wants to be woken for.
    struct Wish {
        let mailbox: LoopMailbox
        var kinds: Kinds

        struct Kinds: OptionSet {
            let rawValue: UInt8
            /// A part was committed, the publisher went or came, or the stream ended.
            static let parts = Kinds(rawValue: 1)
            /// Any record.
            static let records = Kinds(rawValue: 2)
        }
    }

    /// An empty replica of one term.
    /// - Parameter lag: how far behind a subscriber of records may fall.
    public init(
        id: StreamID, term: Term, settings: MediaWindowSettings, lag: Duration = .seconds(2), metrics: ReplicaMetrics
    ) {
        self.id = id
        self.term = term
        self.metrics = metrics
        state = Mutex(State(window: MediaWindow(stream: id, settings: settings), log: FeedLog(lag: lag)))
    }
}

// MARK: - The feed comes in

extension StreamReplica {
    /// Appends records at the gateway, and commits up to `committed`.
    ///
    /// The gateway writes every part as it ends, because the part that closes a segment bears the segment's hash.
    public func append(_ records: [FeedRecord], committed: PartPosition?) {
        let mailboxes = state.withLock { state in
            var isNews = false
            for record in records where append(record, &state) { isNews = true }
            if let committed, committed != state.committed {
                state.committed = committed
                if state.window.commit(upTo: committed) { isNews = true }
            }
            return granted(isNews ? [.records, .parts] : .records, &state)
        }
        for mailbox in mailboxes { mailbox.post(self) }
    }

    /// Notes whether the publisher is there. While it is not, those who have waited as long as they may get what there is
    /// instead of a refusal.
    public func publisherIs(absent: Bool) {
        let mailboxes = state.withLock { state in
            state.isAbsent = absent
            return granted(.parts, &state)
        }
        for mailbox in mailboxes { mailbox.post(self) }
    }

    /// Returns whether requests that wait may have an answer now.
    private func append(_ record: FeedRecord, _ state: inout State) -> Bool {
        let isNews = state.window.append(record, at: FeedPosition(term: term, number: state.log.endNumber))
        switch record {
        case .partEnd(var mark):
            metrics.parts.add()
            hash(mark, &state)
            if mark.closesSegment {
                metrics.segments.add()
                mark.digests = state.hashers.map { SegmentDigest(rendition: $0.rendition, sha256: $0.hasher.finish()) }
            }
            state.log.append(.partEnd(mark))
        case .segmentStart:
            state.hashers = state.window.renditions.map { ($0, SegmentHasher()) }
            state.log.append(record)
        case .end:
            state.isOver = true
            state.log.append(record)
        case .accessUnit, .gap, .parameters, .stored: state.log.append(record)
        }
        return isNews
    }

    /// Writes the part that `mark` ends and hashes it, so that the end of a segment costs no more than that of a part.
    private func hash(_ mark: PartEnd, _ state: inout State) {
        guard mark.hasMedia else { return }
        for (rendition, hasher) in state.hashers {
            if let bytes = state.window.part(mark.position, term: term, rendition: rendition) { hasher.update(bytes) }
        }
    }

    /// The mailboxes of those who wished for any of `kinds`; their wishes are spent.
    private func granted(_ kinds: Wish.Kinds, _ state: inout State) -> [LoopMailbox] {
        guard state.wishes.contains(where: { !$0.kinds.isDisjoint(with: kinds) }) else { return [] }
        var mailboxes: [LoopMailbox] = []
        for index in state.wishes.indices where !state.wishes[index].kinds.isDisjoint(with: kinds) {
            state.wishes[index].kinds.subtract(kinds)
            mailboxes.append(state.wishes[index].mailbox)
        }
        return mailboxes
    }
}

extension StreamReplica.State {
    /// Asks for `mailbox` to be posted at the next of `kinds`.
    mutating func wish(_ kinds: StreamReplica.Wish.Kinds, _ mailbox: LoopMailbox) {
        if let index = wishes.firstIndex(where: { $0.mailbox === mailbox }) {
            wishes[index].kinds.insert(kinds)
        } else {
            wishes.append(StreamReplica.Wish(mailbox: mailbox, kinds: kinds))
        }
    }
}
