// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Feed
public import Identity

/// The subscriber's side of one stream: it has up to two parents, takes records from one of them, and goes to the other,
/// whose subscription is open but paused, when that is better. It wants each record once and in order, whoever brings it.
///
/// The shell opens a subscription at a parent when it can, and calls ``open(_:now:)``. A path given up (`.leave`) is free
/// for another parent. Records and commits are to be obeyed in the order given.
public struct RelaySubscriberSession: Sendable {
    /// The stream.
    public let stream: StreamID
    /// The record wanted next; nil while nothing is held.
    public internal(set) var next: FeedPosition?
    /// The furthest commit heard of.
    public internal(set) var commit: CommitTracker.Commit?
    /// The highest term heard of; what belongs to lower ones is discarded.
    public internal(set) var term: Term?
    /// The path that records come by.
    public private(set) var active: RelayPath?
    /// What was put right or thrown away, until it is taken.
    public internal(set) var counters = RelayCounters()

    private let settings: RelaySettings
    private let via: [NodeTag]
    let isHolder: Bool
    private let isTaking: Bool
    /// Until when a parent may be of a lower term than ``term``; nil while none was heard of before its records came.
    var patience: Duration?
    private var parents: [ParentState?] = [nil, nil]
    /// How often a path was sent on, until a parent accepts.
    private var redirects = [0, 0]
    private var view: UInt64 = 0

    /// What is to be done.
    public enum Directive: Hashable, Sendable {
        /// Append these records, the first of which stands at `at`.
        case append([FeedRecord], at: FeedPosition)
        /// What follows begins here.
        case begin(FeedStart)
        /// Everything up to here is committed.
        case commit(CommitTracker.Commit)
        /// Give this parent up.
        case leave(RelayPath, RelayParting)
        /// Give this parent up, and subscribe at another that it names: call `open` then.
        case redirect(RelayPath, to: NodeID, at: Endpoint)
        /// Say this to the parent.
        case send(RelayMessage, on: RelayPath)
    }

    /// A subscription to come.
    /// - Parameters:
    ///   - next: the record wanted next, where some are held.
    ///   - term: the highest term known, from the directory or from what is held.
    ///   - via: the nodes below that the records will pass, this node last.
    ///   - isHolder: whether the node is the feed's standby.
    ///   - isTaking: whether it takes a term, and copies what a parent holds.
    public init(
        stream: StreamID, next: FeedPosition? = nil, term: Term? = nil, via: [NodeTag], isHolder: Bool = false,
        isTaking: Bool = false, settings: RelaySettings
    ) {
        self.stream = stream
        self.next = next
        self.term = [term, next?.term].compactMap { $0 }.max()
        self.via = via
        self.isHolder = isHolder
        self.isTaking = isTaking
        self.settings = settings
    }

    /// Whether all that the parent knows to be committed has come. What is not there then does not exist. A parent that
    /// knows of no commit in the term has only begun itself, or the term has: nobody is level with it. Nor is anybody who
    /// has heard of a higher term.
    public var isLevel: Bool {
        guard let active, let parent = parents[active.rawValue], parent.phase == .serving, parent.saidCommit, let next,
            let commit, next.term == term
        else { return false }
        return commit.position < next
    }

    /// Whether a path is in use.
    public func isOpen(_ path: RelayPath) -> Bool { parents[path.rawValue] != nil }

    /// Until when nothing is due; nil for never.
    public var nextDeadline: Duration? {
        RelayPath.allCases.compactMap { path in
            parents[path.rawValue].map { $0.heard + timeout($0) }
        }.min()
    }

    /// What was put right or thrown away since the last call.
    public mutating func takeCounters() -> RelayCounters {
        defer { counters = RelayCounters() }
        return counters
    }

    /// How long ago the gateway was heard of, by the path that records come by; nil where nobody said. What a paused
    /// parent has heard would keep this node's subscribers with it though no record comes, and so would keep, in a circle,
    /// this node with a subscriber of its own.
    public func gatewayAge(now: Duration) -> Duration? {
        active.flatMap { parents[$0.rawValue]?.gatewayHeard }.map { now - $0 }
    }
}

// MARK: - Events

extension RelaySubscriberSession {
    /// There is a connection to a parent: subscribes there. The first parent brings records, the second is held ready.
    public mutating func open(_ path: RelayPath, view: UInt64 = 0, now: Duration) -> [Directive] {
        self.view = view
        if active == nil { active = path }
        let isPaused = active != path
        parents[path.rawValue] = ParentState(isPaused: isPaused, now: now)
        let request = RelayRequest(
            stream: stream, term: term, from: next, via: via, isPaused: isPaused, isHolder: isHolder,
            isTaking: isTaking, view: view,
            redirects: UInt8(clamping: redirects[path.rawValue]))
        return [.send(.subscribe(request), on: path)]
    }

    /// The connection to a parent is gone.
    public mutating func disconnected(_ path: RelayPath, now: Duration) -> [Directive] {
        guard isOpen(path) else { return [] }
        var directives: [Directive] = []
        leave(path, .disconnected, now: now, &directives)
        return directives
    }

    /// There is a higher term, says the directory: nothing of lower ones is acknowledged or listed from now on. Their
    /// records are still taken, as the new term may go on from them. A parent has a while to hear of it, too.
    public mutating func learn(_ higher: Term, now: Duration) {
        guard term.map({ higher > $0 }) ?? true else { return }
        term = higher
        patience = now + settings.beginTimeout
    }

    /// A parent has no place in the tree of the newest term.
    public mutating func disown(_ path: RelayPath, now: Duration) -> [Directive] {
        guard isOpen(path) else { return [] }
        var directives: [Directive] = []
        refuse(path, now: now, &directives)
        return directives
    }

    /// A parent says something.
    public mutating func receive(_ message: RelayMessage, from path: RelayPath, now: Duration) -> [Directive] {
        guard isOpen(path) else { return [] }
        var directives: [Directive] = []
        parents[path.rawValue]?.heard = now
        switch message {
        case .accepted(let start): accept(start, path, now: now, &directives)
        case .committed(let commit): note(commit, path, &directives)
        case .heartbeat(let heartbeat): take(heartbeat, path, now: now, &directives)
        case .records(let records): take(records, path, now: now, &directives)
        case .redirect(let node, let endpoint): redirect(path, node, endpoint, now: now, &directives)
        case .refused(let refusal): leave(path, .refused(refusal), now: now, &directives)
        default: leave(path, .failed(.unexpected), now: now, &directives)
        }
        return directives
    }

    /// Does what is due.
    public mutating func tick(now: Duration) -> [Directive] {
        var directives: [Directive] = []
        for path in RelayPath.allCases {
            guard let parent = parents[path.rawValue], now >= parent.heard + timeout(parent) else { continue }
            directives.append(.send(.unsubscribe, on: path))
            leave(path, .silent, now: now, &directives)
        }
        choose(now: now, &directives)
        return directives
    }

    private func timeout(_ parent: ParentState) -> Duration {
        parent.phase == .asked ? settings.answerTimeout : settings.pathTimeout
    }
}

// MARK: - Parents

extension RelaySubscriberSession {
    mutating func leave(
        _ path: RelayPath, _ parting: RelayParting, now: Duration, _ directives: inout [Directive]
    ) {
        parents[path.rawValue] = nil
        redirects[path.rawValue] = 0
        if active == path { active = nil }
        directives.append(.leave(path, parting))
        choose(now: now, &directives)
    }

    private mutating func redirect(
        _ path: RelayPath, _ node: NodeID, _ endpoint: Endpoint, now: Duration, _ directives: inout [Directive]
    ) {
        redirects[path.rawValue] += 1
        guard redirects[path.rawValue] <= settings.maximumRedirects else {
            return leave(path, .redirects, now: now, &directives)
        }
        parents[path.rawValue] = nil
        if active == path { active = nil }
        directives.append(.redirect(path, to: node, at: endpoint))
        choose(now: now, &directives)
    }

    /// Goes to the other parent where that is better: this one is gone, or hears the gateway no more. Of two that serve
    /// alike, the first is kept.
    mutating func choose(now: Duration, _ directives: inout [Directive]) {
        guard let active else {
            for path in RelayPath.allCases where isOpen(path) { return use(path, &directives) }
            return
        }
        guard let current = parents[active.rawValue], let other = parents[active.other.rawValue] else { return }
        guard other.phase == .serving, isBetter(other, than: current, now: now) else { return }
        counters.switches += 1
        directives.append(.send(.pause, on: active))
        parents[active.rawValue]?.isPaused = true
        use(active.other, &directives)
    }

    /// A parent has said where its records begin.
    mutating func serve(_ path: RelayPath, term: Term, now: Duration) {
        if !isServing(path) { parents[path.rawValue]?.refreshed = now }
        parents[path.rawValue]?.phase = .serving
        parents[path.rawValue]?.isAwaited = false
        // Where it begins may be in an older term than its newest, which its heartbeats say.
        if let known = parents[path.rawValue]?.term { parents[path.rawValue]?.term = max(known, term) }
        redirects[path.rawValue] = 0
    }

    func isServing(_ path: RelayPath) -> Bool { parents[path.rawValue]?.phase == .serving }

    /// Whether records of a path must follow those before them. What a parent sent before it was paused, or before it
    /// heard that it is used again, may still be in flight; it is taken where it fits, and not missed.
    func isBound(_ path: RelayPath) -> Bool {
        path == active && parents[path.rawValue].map { !$0.isAwaited } ?? false
    }

    /// A parent has said what it knows to be committed.
    mutating func inform(_ path: RelayPath) { parents[path.rawValue]?.saidCommit = true }

    /// A parent has said when it heard of the gateway, and what its newest term is.
    mutating func inform(_ path: RelayPath, gatewayHeard: Duration?, term: Term?, now: Duration) {
        if let gatewayHeard {
            parents[path.rawValue]?.gateway(heard: gatewayHeard, now: now, least: settings.heartbeat / 2)
        }
        parents[path.rawValue]?.term = term
        inform(path)
    }

    private func isBetter(_ other: ParentState, than current: ParentState, now: Duration) -> Bool {
        if current.phase == .asked { return now - current.asked > settings.beginTimeout }
        if let theirs = other.term, let ours = current.term, theirs != ours { return theirs > ours }
        guard let theirs = other.gatewayHeard, now - other.refreshed <= settings.pathTimeout else { return false }
        let isStale = now - current.refreshed > settings.pathTimeout
        guard let ours = current.gatewayHeard else { return isStale }
        return theirs > ours + (isStale ? settings.heartbeat : settings.oldestNews)
    }

    private mutating func use(_ path: RelayPath, _ directives: inout [Directive]) {
        active = path
        guard let parent = parents[path.rawValue], parent.isPaused else { return }
        parents[path.rawValue]?.isPaused = false
        parents[path.rawValue]?.saidCommit = false
        parents[path.rawValue]?.isAwaited = true
        directives.append(.send(.resume(from: next), on: path))
    }
}
