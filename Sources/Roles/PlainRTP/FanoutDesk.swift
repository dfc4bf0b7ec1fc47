// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Datagrams
public import Fanout
import RTP
import Synchronization
import Transport

/// The sessions of plain RTP: their table, the UDP threads that forward, and their branches at other nodes. Any thread may
/// call.
public final class FanoutDesk: Sendable {
    let settings: PlainRTPSettings
    let metrics: PlainRTPMetrics
    let state: Mutex<State>

    struct State {
        var table: SessionTable
        var random = SystemRandomNumberGenerator()
        var lanes: [SessionNumber: Lane] = [:]
        var feeds: [SessionNumber: StreamFeed] = [:]
        var threads: [DatagramThread<FanoutHandler>] = []
        /// Nil where this node is alone.
        var branching: Branching?
        /// Who is told of subscribers of branches here that do not answer.
        var unwilling: [SessionNumber: @Sendable (Endpoint) -> Void] = [:]
    }

    /// Where a session is forwarded: by every thread, since its source may come to any, or a branch by one.
    struct Lane {
        let share: SessionShare
        var ssrc: UInt32?
        var thread: DatagramThread<FanoutHandler>?
    }

    /// Opens the port on all threads.
    /// - Parameter cluster: the other nodes that may send to subscribers for this one; nil where it is alone.
    public static func start(
        _ settings: PlainRTPSettings, metrics: PlainRTPMetrics, datagrams: DatagramMetrics,
        cluster: FanoutCluster? = nil
    ) throws(DatagramFailure) -> FanoutDesk {
        let desk = FanoutDesk(settings, metrics: metrics)
        let onward = cluster.map { desk.join($0) }
        var local = settings.local
        var threads: [DatagramThread<FanoutHandler>] = []
        try DatagramSettings(local: local, name: "rtp").checkIsFree()
        for number in 0..<max(settings.threads, 1) {
            var socket = DatagramSettings(local: local, name: "rtp-\(number)")
            socket.isShared = settings.threads > 1
            let thread = try DatagramThread(settings: socket, metrics: datagrams) { [weak desk] sender in
                FanoutHandler(sender, hold: settings.hold, metrics: metrics, onward: onward) {
                    [weak desk] token, peer, now in desk?.answered(token, from: peer, now: now)
                }
            }
            local = Endpoint(address: local.address, port: thread.port)
            threads.append(thread)
        }
        desk.state.withLock { $0.threads = threads }
        return desk
    }

    private init(_ settings: PlainRTPSettings, metrics: PlainRTPMetrics) {
        self.settings = settings
        self.metrics = metrics
        state = Mutex(State(table: SessionTable(settings.fanout)))
    }

    /// The port that packets are sent to.
    public var port: UInt16 { state.withLock { $0.threads.first?.port ?? 0 } }

    /// Ends all sessions and closes the port.
    public func stop() {
        let threads = state.withLock { state in
            defer { state.threads = [] }
            return state.threads
        }
        stopBranching()
        for thread in threads { thread.stop() }
        for feed in state.withLock({ $0.feeds.values }) { feed.end() }
    }

    /// Begins a session.
    public func create(source: Endpoint, ssrc: UInt32, mediaType: MediaType) throws(SessionFailure) -> SessionStatus {
        try change { state, directives throws(SessionFailure) in
            try state.table.create(
                source: source, ssrc: ssrc, mediaType: mediaType, now: SystemClock.now(), wall: SystemClock.wall(),
                using: &state.random, into: &directives)
        }
    }

    /// Ends a session.
    public func delete(_ id: SessionID) throws(SessionFailure) {
        try change { state, directives throws(SessionFailure) in try state.table.delete(id, into: &directives) }
    }

    /// Sends a session's packets to one more address from this node, once that wants them.
    public func subscribe(_ endpoint: Endpoint, to id: SessionID) throws(SessionFailure) {
        try change { state, directives throws(SessionFailure) in
            try state.table.subscribe(
                endpoint, to: id, isAllowed: isAllowed(endpoint), now: SystemClock.now(), using: &state.random,
                into: &directives)
        }
    }

    /// Sends nothing more there, from no node.
    public func unsubscribe(_ endpoint: Endpoint, from id: SessionID) throws(SessionFailure) {
        guard !unsubscribeElsewhere(endpoint, from: id) else { return }
        try change { state, directives throws(SessionFailure) in
            try state.table.unsubscribe(endpoint, from: id, into: &directives)
        }
    }

    /// A session with what it has counted, its branches' part among it; nil where there is none.
    public func session(_ id: SessionID) -> (status: SessionStatus, counters: SessionCounters)? {
        state.withLock { state in state.table.session(id).flatMap { told(of: $0, state) } }
    }

    /// At most `limit` sessions in the order in which they began, behind the one of this number, and which of them have
    /// received packets.
    public func sessions(limit: Int, after: SessionNumber) -> [(status: SessionStatus, counters: SessionCounters)] {
        state.withLock { state in
            state.table.sessions(limit: limit, after: after).compactMap { told(of: $0, state) }
        }
    }

    /// How long a session has been there, in seconds.
    func age(of status: SessionStatus) -> Double { (SystemClock.now() - status.began) / .seconds(1) }

    /// Ends sessions that are idle and asks subscribers again. Call once a second.
    public func tick() {
        state.withLock { state in
            var directives: [SessionTable.Directive] = []
            let lanes = state.lanes
            let ended = state.table.tick(
                now: SystemClock.now(), lastPacket: { lanes[$0]?.share.lastPacket }, using: &state.random,
                into: &directives)
            metrics.expired(ended)
            obey(directives, &state)
            for feed in state.feeds.values { feed.tick(now: SystemClock.now()) }
        }
    }
}

// MARK: - Streams

extension FanoutDesk {
    /// Lets sessions, by their sources, feed a stream besides what they forward. Those that are not there yet begin, with
    /// packets from `source`.
    /// - Returns: the sessions, and which of them began here.
    func feed(
        _ tracks: [StreamOffer.Line], from source: Endpoint, _ feed: StreamFeed
    ) throws(SessionFailure) -> [(status: SessionStatus, isNew: Bool)] {
        let result = state.withLock { state -> Result<[(status: SessionStatus, isNew: Bool)], SessionFailure> in
            var sessions: [(status: SessionStatus, isNew: Bool)] = []
            var directives: [SessionTable.Directive] = []
            defer { obey(directives, &state) }
            do throws(SessionFailure) {
                for track in tracks {
                    let known = state.table.session(source: track.ssrc)
                    if let known, state.feeds[known.number] != nil { throw .sourceIsTaken }
                    let status: SessionStatus
                    if let known {
                        status = known
                    } else {
                        status = try state.table.create(
                            source: source, ssrc: track.ssrc, mediaType: track.mediaType, now: SystemClock.now(),
                            wall: SystemClock.wall(), using: &state.random, into: &directives)
                    }
                    sessions.append((status, known == nil))
                }
            } catch {
                for session in sessions where session.isNew {
                    try? state.table.delete(session.status.id, into: &directives)
                }
                return .failure(error)
            }
            obey(directives, &state)
            directives = []
            for (status, _) in sessions {
                state.feeds[status.number] = feed
                tell(state) { handler, _ in handler.feed(feed, by: status.number) }
            }
            return .success(sessions)
        }
        return try result.get()
    }

    /// Lets sessions feed nothing any more, and ends those that began for it.
    func unfeed(_ sessions: [(status: SessionStatus, isNew: Bool)]) {
        state.withLock { state in
            var directives: [SessionTable.Directive] = []
            for (status, isNew) in sessions {
                state.feeds.removeValue(forKey: status.number)?.end()
                tell(state) { handler, _ in handler.feed(nil, by: status.number) }
                if isNew { try? state.table.delete(status.id, into: &directives) }
            }
            obey(directives, &state)
        }
    }
}

extension FanoutDesk {
    private func answered(_ token: ProbeToken, from peer: DatagramAddress, now: Duration) {
        state.withLock { state in
            var directives: [SessionTable.Directive] = []
            guard state.table.answered(token, from: peer.endpoint, now: now, into: &directives) else { return }
            metrics.answered()
            obey(directives, &state)
        }
    }

    private func change<Value>(
        _ body: (inout State, inout [SessionTable.Directive]) throws(SessionFailure) -> Value
    ) throws(SessionFailure) -> Value {
        let result = state.withLock { state -> Result<Value, SessionFailure> in
            var directives: [SessionTable.Directive] = []
            defer { obey(directives, &state) }
            do throws(SessionFailure) { return .success(try body(&state, &directives)) } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Whether an address need not be asked.
    func isAllowed(_ endpoint: Endpoint) -> Bool {
        settings.allowed.contains { $0.contains(PeerAddress(endpoint.address)) }
    }

    /// Tells the threads, in the order of the decisions: the lock is held.
    func obey(_ directives: [SessionTable.Directive], _ state: inout State) {
        for directive in directives {
            switch directive {
            case .begin(let number, let ssrc, let gate, let mediaType):
                let share = SessionShare(gate)
                state.lanes[number] = Lane(share: share, ssrc: ssrc)
                tell(state) { handler, _ in
                    handler.begin(number, ssrc: ssrc, share: share, isHeld: mediaType != .audio)
                }
            case .beginBranch(let number): beginBranch(number, &state)
            case .end(let number): end(number, &state)
            case .subscribe(let number, let endpoint):
                tell(number, state) { handler, _ in handler.subscribe(DatagramAddress(endpoint), to: number) }
                state.feeds[number]?.requestRandomAccess()
            case .unsubscribe(let number, let endpoint):
                tell(number, state) { handler, _ in handler.unsubscribe(DatagramAddress(endpoint), from: number) }
            case .probe(let endpoint, let token):
                metrics.probed()
                state.threads.first?.submit { handler, _ in
                    handler.probe(DatagramAddress(endpoint), SubscriberProbe(high: token.high, low: token.low))
                }
            case .unwilling(let number, let endpoint): state.unwilling[number]?(endpoint)
            }
        }
        metrics.holds(
            sessions: state.table.count, branches: state.table.branchCount, subscribers: state.table.subscriberCount)
    }

    private func end(_ number: SessionNumber, _ state: inout State) {
        endBranches(of: number, &state)
        state.unwilling[number] = nil
        state.feeds.removeValue(forKey: number)?.end()
        let ssrc = state.lanes[number]?.ssrc
        tell(number, state) { handler, now in handler.end(number, ssrc: ssrc, now: now) }
        state.lanes[number] = nil
    }

    private func told(
        of status: SessionStatus, _ state: State
    ) -> (status: SessionStatus, counters: SessionCounters)? {
        guard let counters = state.lanes[status.number]?.share.counters else { return nil }
        guard let branches = state.branching?.table else { return (status, counters) }
        var status = status
        status.subscriberCount += branches.subscriberCount(of: status.number)
        return (status, counters.adding(branches.sent(of: status.number)))
    }

    private func tell(_ state: State, _ work: @escaping @Sendable (FanoutHandler, Duration) -> Void) {
        for thread in state.threads { thread.submit(work) }
    }

    /// Tells the threads that forward a session, or the one that does a branch.
    private func tell(
        _ number: SessionNumber, _ state: State, _ work: @escaping @Sendable (FanoutHandler, Duration) -> Void
    ) {
        guard let lane = state.lanes[number] else { return }
        if let thread = lane.thread { thread.submit(work) } else { tell(state, work) }
    }
}
