// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Datagrams
public import Fanout
import RTP
import Synchronization
import Transport

/// The sessions of plain RTP: their table, and the UDP threads that forward. Any thread may call.
public final class FanoutDesk: Sendable {
    private let settings: PlainRTPSettings
    private let metrics: PlainRTPMetrics
    private let state: Mutex<State>

    private struct State {
        var table: SessionTable
        var random = SystemRandomNumberGenerator()
        var shares: [SessionNumber: (share: SessionShare, ssrc: UInt32)] = [:]
        var feeds: [SessionNumber: StreamFeed] = [:]
        var threads: [DatagramThread<FanoutHandler>] = []
    }

    /// Opens the port on all threads.
    public static func start(
        _ settings: PlainRTPSettings, metrics: PlainRTPMetrics, datagrams: DatagramMetrics
    ) throws(DatagramFailure) -> FanoutDesk {
        let desk = FanoutDesk(settings, metrics: metrics)
        var local = settings.local
        var threads: [DatagramThread<FanoutHandler>] = []
        try DatagramSettings(local: local, name: "rtp").checkIsFree()
        for number in 0..<max(settings.threads, 1) {
            var socket = DatagramSettings(local: local, name: "rtp-\(number)")
            socket.isShared = settings.threads > 1
            let thread = try DatagramThread(settings: socket, metrics: datagrams) { [weak desk] sender in
                FanoutHandler(sender, hold: settings.hold, metrics: metrics) { [weak desk] token, peer, now in
                    desk?.answered(token, from: peer, now: now)
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
        for thread in threads { thread.stop() }
        for feed in state.withLock({ $0.feeds.values }) { feed.end() }
    }

    /// Begins a session.
    public func create(source: Endpoint, ssrc: UInt32, mediaType: MediaType) throws(SessionFailure) -> SessionStatus {
        try change { table, random, directives throws(SessionFailure) in
            try table.create(
                source: source, ssrc: ssrc, mediaType: mediaType, now: SystemClock.now(), wall: SystemClock.wall(),
                using: &random, into: &directives)
        }
    }

    /// Ends a session.
    public func delete(_ id: SessionID) throws(SessionFailure) {
        try change { table, _, directives throws(SessionFailure) in try table.delete(id, into: &directives) }
    }

    /// Sends a session's packets to one more address, once that wants them.
    public func subscribe(_ endpoint: Endpoint, to id: SessionID) throws(SessionFailure) {
        let isAllowed = settings.allowed.contains { $0.contains(PeerAddress(endpoint.address)) }
        try change { table, random, directives throws(SessionFailure) in
            try table.subscribe(
                endpoint, to: id, isAllowed: isAllowed, now: SystemClock.now(), using: &random, into: &directives)
        }
    }

    /// Sends nothing more there.
    public func unsubscribe(_ endpoint: Endpoint, from id: SessionID) throws(SessionFailure) {
        try change { table, _, directives throws(SessionFailure) in
            try table.unsubscribe(endpoint, from: id, into: &directives)
        }
    }

    /// A session with what it has counted; nil where there is none.
    public func session(_ id: SessionID) -> (status: SessionStatus, counters: SessionCounters)? {
        state.withLock { state in
            guard let status = state.table.session(id), let share = state.shares[status.number]?.share else {
                return nil
            }
            return (status, share.counters)
        }
    }

    /// At most `limit` sessions in the order in which they began, behind the one of this number, and which of them have
    /// received packets.
    public func sessions(limit: Int, after: SessionNumber) -> [(status: SessionStatus, counters: SessionCounters)] {
        state.withLock { state in
            state.table.sessions(limit: limit, after: after).compactMap { status in
                state.shares[status.number].map { (status, $0.share.counters) }
            }
        }
    }

    /// How long a session has been there, in seconds.
    func age(of status: SessionStatus) -> Double { (SystemClock.now() - status.began) / .seconds(1) }

    /// Ends sessions that are idle and asks subscribers again. Call once a second.
    public func tick() {
        state.withLock { state in
            var directives: [SessionTable.Directive] = []
            let shares = state.shares
            let ended = state.table.tick(
                now: SystemClock.now(), lastPacket: { shares[$0]?.share.lastPacket }, using: &state.random,
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
                tell(state) { handler, _ in handler.feed(feed, by: status.ssrc) }
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
                tell(state) { handler, _ in handler.feed(nil, by: status.ssrc) }
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
        _ body: (
            inout SessionTable, inout SystemRandomNumberGenerator, inout [SessionTable.Directive]
        ) throws(SessionFailure) -> Value
    ) throws(SessionFailure) -> Value {
        let result = state.withLock { state -> Result<Value, SessionFailure> in
            var directives: [SessionTable.Directive] = []
            do throws(SessionFailure) {
                let value = try body(&state.table, &state.random, &directives)
                obey(directives, &state)
                return .success(value)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Tells every thread, in the order of the decisions: the lock is held.
    private func obey(_ directives: [SessionTable.Directive], _ state: inout State) {
        for directive in directives {
            switch directive {
            case .begin(let number, let ssrc, let gate, let mediaType):
                let share = SessionShare(gate)
                state.shares[number] = (share, ssrc)
                tell(state) { handler, _ in handler.begin(ssrc, share: share, isHeld: mediaType != .audio) }
            case .end(let number, let ssrc):
                state.shares[number] = nil
                state.feeds.removeValue(forKey: number)?.end()
                tell(state) { handler, now in handler.end(ssrc, now: now) }
            case .subscribe(let number, let endpoint):
                guard let ssrc = state.shares[number]?.ssrc else { continue }
                tell(state) { handler, _ in handler.subscribe(DatagramAddress(endpoint), to: ssrc) }
            case .unsubscribe(let number, let endpoint):
                guard let ssrc = state.shares[number]?.ssrc else { continue }
                tell(state) { handler, _ in handler.unsubscribe(DatagramAddress(endpoint), from: ssrc) }
            case .probe(let endpoint, let token):
                metrics.probed()
                state.threads.first?.submit { handler, _ in
                    handler.probe(DatagramAddress(endpoint), SubscriberProbe(high: token.high, low: token.low))
                }
            }
        }
        metrics.holds(sessions: state.table.count, subscribers: state.table.subscriberCount)
    }

    private func tell(_ state: State, _ work: @escaping @Sendable (FanoutHandler, Duration) -> Void) {
        for thread in state.threads { thread.submit(work) }
    }
}
