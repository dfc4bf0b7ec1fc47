// SPDX-License-Identifier: Apache-2.0

public import Feed
public import HLS
public import Identity
public import Media
import Relay
import Synchronization
import Telemetry
public import Traces
import Transport

/// Hop 7 of a frame's life: a node's copy of one stream's live window. Origin and Edge both stand on it.
///
/// Records come in from the gateway or over the relay, everything that is served goes out of it, and those who wait are
/// woken. Any thread may call; a lock orders the calls, and nothing slow is done while it is held.
public final class StreamReplica: Sendable {
    /// The stream's name.
    public let id: StreamID
    /// When this node began to hold it.
    public let createdAt = SystemClock.wall()
    /// The traces of its segments.
    public let trace: StreamTrace
    let metrics: ReplicaMetrics
    private let share: UInt64
    let state: Mutex<State>

    /// Where a replica's records come from.
    public enum Source: Sendable, Hashable {
        /// This node decides them: it is the gateway.
        case gateway
        /// Other nodes, over the relay.
        case relay
    }

    struct State {
        var feed: HeldFeed
        var source: Source
        /// What was promised to who takes a term.
        var promise: TermPromise?
        var wishes: [Wish] = []
        /// What those who wait were last told of.
        var reach: PartPosition?
        var key: PlaylistKey?
        var viewers = ViewerTable()
        var batches = RelayBatches()
        var isAbsent = false
        var isOver = false
        /// Whether all that the node's parent has committed is here; always at the gateway.
        var isLevel: Bool {
            didSet { hasBeenLevel = hasBeenLevel || isLevel }
        }
        /// Whether it was so once since the window began.
        var hasBeenLevel: Bool
        /// How often the node came level.
        var levelings: UInt32 = 0
        /// Subscriptions of other nodes.
        var subscribers = 0
        /// Whether it is known which term the records are of; always at the gateway.
        var hasTerm: Bool
        /// When the gateway was last heard of; nil at the gateway.
        var gatewayHeard: Duration?
        /// How a random access point is asked for, and when one was.
        var ask: (@Sendable () -> Void)?
        var asked: Duration?
        /// When somebody last asked for anything.
        var lastAsked = SystemClock.now()
        /// What traces are told of its segments; nil where nothing is traced.
        var spans: SegmentSpans?
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
            /// A part was committed, or a subscriber's records begin elsewhere.
            static let commits = Kinds(rawValue: 4)
        }
    }

    /// An empty replica of what the relay will bring, or of what this node will append: see ``succeed(in:firstSegment:)``.
    /// - Parameters:
    ///   - share: of the relay's segments one in so many is held against what the gateway stated; 1 for all.
    ///   - tracer: is told of the segments that are traced; nil for nobody.
    public init(
        id: StreamID, checkingOneIn share: UInt64, settings: MediaWindowSettings, metrics: ReplicaMetrics,
        tracer: NodeTracer? = nil
    ) {
        self.id = id
        self.share = share
        self.metrics = metrics
        let trace = StreamTrace(id)
        self.trace = trace
        let nobody = Term(number: 0, salt: 0)
        let feed = HeldFeed(stream: id, settings: settings, term: nobody, checks: .verifies(oneIn: share))
        state = Mutex(
            State(
                feed: feed, source: .relay, isLevel: false, hasBeenLevel: false, hasTerm: false,
                spans: tracer.map { SegmentSpans(trace, $0) }))
    }

    /// Where the records come from.
    public var source: Source { state.withLock { $0.source } }

    /// Who appends: the newest term known here.
    public var term: Term { state.withLock { $0.feed.log.term } }
}

// MARK: - Terms

extension StreamReplica {
    /// Becomes the gateway's in `term`: what is held up to the last mark stays, and is committed anew.
    /// - Parameter firstSegment: the number of the first segment where nothing is held.
    /// - Returns: what the records held have come to, for the sequencer to go on from; nil where a higher term was
    ///   promised to somebody else.
    public func succeed(in term: Term, firstSegment: MediaSequenceNumber) -> FeedSummary? {
        var summary: FeedSummary?
        change([.records, .commits, .parts]) { state in
            guard state.promise.map({ $0.term <= term }) ?? true, !state.hasTerm || state.feed.next.term < term else {
                return
            }
            let legacy = state.feed.succeed(in: term)
            state.source = .gateway
            state.promise = TermPromise(term, now: SystemClock.now())
            state.hasTerm = true
            state.isLevel = true
            state.levelings &+= 1
            state.isAbsent = false
            summary = legacy?.summary ?? FeedSummary(firstSegment: firstSegment)
        }
        return summary
    }

    /// Somebody else takes the stream: this node appends no more, and waits for what the relay brings.
    public func resign() {
        state.withLock { state in
            guard state.source == .gateway else { return }
            state.source = .relay
            state.feed.resign(to: .verifies(oneIn: share))
            state.isLevel = false
            state.gatewayHeard = SystemClock.now()
        }
    }

    /// From now on keeps a promise, if there is none of a higher term; what is held at that moment.
    func promise(_ promise: TermPromise) -> (next: FeedPosition?, commit: CommitTracker.Commit?) {
        state.withLock { state in
            if state.promise.map({ $0.term <= promise.term }) ?? true { state.promise = promise }
            return (state.hasTerm ? state.feed.next : nil, state.feed.commit)
        }
    }
}

// MARK: - The feed comes in

extension StreamReplica {
    /// Appends records at the gateway, and commits up to `committed`.
    ///
    /// The gateway writes every part as it ends, because the part that closes a segment bears the segment's hash.
    /// - Parameter arrived: when the publisher's message came that they are of, monotonic; nil where they are of none.
    public func append(_ records: [FeedRecord], committed: CommitTracker.Commit?, arrived: Duration? = nil) {
        change(.records) { state in
            guard state.source == .gateway else { return }
            for record in records { append(record, at: state.feed.next, arrived: arrived, &state) }
            if let committed, committed != state.feed.commit { state.feed.commit(upTo: committed) }
        }
    }

    /// Hears at the gateway that a holder has more, or is lost.
    public func commit(upTo committed: CommitTracker.Commit) {
        change([]) { state in
            if state.source == .gateway { state.feed.commit(upTo: committed) }
        }
    }

    /// Notes whether the publisher is there. While it is not, those who have waited as long as they may get what there is
    /// instead of a refusal.
    public func publisherIs(absent: Bool) {
        wake(.parts) { $0.isAbsent = absent }
    }

    /// Changes what is held, and wakes those who wished for what came of it, and for `kinds`.
    func change(_ kinds: Wish.Kinds, _ body: (inout State) -> Void) {
        let mailboxes = state.withLock { state in
            let (committed, changes) = (state.feed.commit, state.feed.changes)
            let listed = state.feed.window.committed
            body(&state)
            guard state.feed.changes != changes else { return granted(kinds, &state) }
            if state.feed.window.committed != listed { noteListed(&state) }
            var kinds = kinds
            let (reach, key) = (state.feed.window.reach, state.feed.window.currentKey)
            let isNews = state.isOver || reach != state.reach || key != state.key
            if isNews { kinds.insert(.parts) }
            if state.feed.commit != committed { kinds.insert(.commits) }
            state.reach = reach
            state.key = key
            return granted(kinds, &state)
        }
        for mailbox in mailboxes { mailbox.post(self) }
    }

    /// Changes what is known, and wakes those who wished for `kinds`.
    func wake(_ kinds: Wish.Kinds, _ body: (inout State) -> Void) {
        let mailboxes = state.withLock { state in
            body(&state)
            return granted(kinds, &state)
        }
        for mailbox in mailboxes { mailbox.post(self) }
    }

    func append(
        _ record: FeedRecord, at position: FeedPosition, from parent: NodeID? = nil, arrived: Duration? = nil,
        _ state: inout State
    ) {
        let isNew = position >= state.feed.next
        let begun = state.spans?.isTracing == true && record.isMark ? SystemClock.traceTime() : nil
        state.feed.append(record, at: position)
        switch record {
        case .partEnd(let mark):
            metrics.parts.add()
            if mark.closesSegment { metrics.segments.add() }
            if isNew, let begun { state.spans?.end(mark, from: begun, to: SystemClock.traceTime()) }
        case .end: state.isOver = true
        case .segmentStart(let start):
            state.isOver = false
            if isNew { note(start, in: position.term, from: parent, arrived: arrived, &state) }
        case .accessUnit, .gap, .parameters, .stored: break
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

extension FeedRecord {
    fileprivate var isMark: Bool { if case .partEnd = self { true } else { false } }
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

    /// Forgets what `mailbox` wished for.
    mutating func forget(_ mailbox: LoopMailbox) { wishes.removeAll { $0.mailbox === mailbox } }
}
