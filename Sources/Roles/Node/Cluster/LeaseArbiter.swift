// SPDX-License-Identifier: Apache-2.0

import Arbitration
import Cluster
import Identity
import Logging
import NIOCore
import Replica
import SharedState
import Synchronization
import Telemetry
import Transport

/// What the arbiter's decisions are carried out by.
protocol LeaseParty: AnyObject, Sendable {
    /// The terms that this node appends in.
    var leases: [StreamID: Term] { get }
    /// Where the node is found by others; nil before it is in its cluster.
    var home: Endpoint? { get }
    /// The highest term that this node knows of a stream; nil for none.
    func knownTerm(of stream: StreamID) -> Term?
    /// The store answered this node.
    func storeAnswered()
    /// A lease could not be renewed, because somebody claimed a higher term.
    func lost(_ lease: LostLease)
    /// Nothing is to be appended from now on, or again.
    func fence(_ isFenced: Bool)
}

/// Redis as the arbiter of terms: the store is asked, its silence is judged by ``LeaseKeeper``, and what follows is done by
/// the node. Where the store does not answer, claims are good by gossip alone. Any thread may call.
final class LeaseArbiter: TermClaims {
    let store: RedisStore
    private let region: Region
    private let eventLoop: any EventLoop
    private let metrics: RedisMetrics
    private let log: StormLog
    private let state: Mutex<State>

    private struct State {
        var keeper: LeaseKeeper
        weak var party: (any LeaseParty)?
        /// Terms that the store told this node of lately, by refusing lower ones.
        var refusals: [StreamID: Refusal] = [:]
        var isReachable = false
        var timer: Duration?
    }

    private struct Refusal {
        let highest: Term
        let at: Duration
    }

    init(
        _ store: RedisStore, region: Region, metrics: RedisMetrics, log: StormLog, on eventLoop: any EventLoop
    ) {
        self.store = store
        self.region = region
        self.eventLoop = eventLoop
        self.metrics = metrics
        self.log = log
        state = Mutex(State(keeper: LeaseKeeper(now: SystemClock.now())))
    }

    /// Says who carries decisions out. It is not kept alive.
    func attach(_ party: any LeaseParty) { state.withLock { $0.party = party } }

    /// Whether the last round of renewals was answered.
    var isReachable: Bool { state.withLock { $0.isReachable } }
}

// MARK: - What gateways ask

extension LeaseArbiter {
    /// Whether nothing may be appended, because this node is cut off from what others reach.
    var isFenced: Bool { state.withLock { $0.keeper.isFenced } }

    /// The highest term that the store told this node of lately; nil for none.
    func highestTerm(of stream: StreamID) -> Term? { state.withLock { $0.refusals[stream]?.highest } }

    func claim(_ stream: StreamID, _ term: Term, answer: @escaping @Sendable (TermClaim) -> Void) {
        let party = state.withLock { $0.party }
        let known = [party?.knownTerm(of: stream), highestTerm(of: stream)].compactMap { $0 }.max()
        let first = Once(answer)
        eventLoop.scheduleTask(in: Self.longestClaim) { first(.granted) }
        store.claim(stream, term, knowing: known) { [self] said in
            guard case .refused(let highest, _) = said else { return first(.granted) }
            state.withLock { $0.refusals[stream] = Refusal(highest: highest, at: SystemClock.now()) }
            first(.refused(higher: highest))
        }
    }

    func release(_ stream: StreamID, _ term: Term) { store.release(stream, term) }

    /// The store's own limits are for each step; looking names up has none.
    private static let longestClaim: TimeAmount = .seconds(1)
    /// How long a refusal is remembered: gossip tells of the term meanwhile.
    private static let refusalLife: Duration = .seconds(60)
}

// MARK: - Time, and what is heard

extension LeaseArbiter {
    /// Renews all leases of the node in one question. Call once a second.
    func tick() {
        let oldest = SystemClock.now() - Self.refusalLife
        let party = state.withLock { state in
            state.refusals = state.refusals.filter { $0.value.at > oldest }
            return state.party
        }
        guard let party, let home = party.home else { return }
        store.renew(party.leases, announcing: home, in: region) { [weak self] in self?.learn($0) }
        work { $0.tick(now: $1) }
    }

    /// Another origin says that the store answers it.
    func heard() { work { $0.heard(now: $1) } }

    /// Lets go of the store, when what was given back is told.
    func stop() async { await store.stop() }

    private func learn(_ outcome: RenewalOutcome) {
        switch outcome {
        case .failed(let begin):
            state.withLock { $0.isReachable = false }
            work { $0.failed(askedAt: begin, now: $1) }
        case .postponed: break
        case .renewed(let begin, let lost):
            let party = state.withLock { state in
                state.isReachable = true
                return state.party
            }
            party?.storeAnswered()
            for lease in lost { party?.lost(lease) }
            work { $0.renewed(askedAt: begin, now: $1) }
        }
    }

    /// Feeds the keeper one event and obeys it, on the event loop, so that all obey in the same order.
    private func work(_ event: @escaping @Sendable (inout LeaseKeeper, Duration) -> [LeaseKeeper.Directive]) {
        eventLoop.execute { [weak self] in self?.feed(event) }
    }

    private func feed(_ event: (inout LeaseKeeper, Duration) -> [LeaseKeeper.Directive]) {
        let now = SystemClock.now()
        let (directives, isFenced, party) = state.withLock { state in
            (event(&state.keeper, now), state.keeper.isFenced, state.party)
        }
        for directive in directives {
            switch directive {
            case .ask:
                store.hurry()
                tick()
            case .fence, .unfence:
                metrics.fence(isFenced)
                let words = isFenced ? "fenced: others reach Redis, this node does not" : "not fenced any more"
                log.record("\(words)", level: .warning, now: now)
            }
        }
        // Every time, as a stream may have begun while another thread raised or lowered the fence.
        party?.fence(isFenced)
        arm()
    }

    /// Keeps one timer running, at the next thing that time alone will cause.
    private func arm() {
        let due = state.withLock { state -> Duration? in
            guard let due = state.keeper.nextDeadline, state.timer.map({ due < $0 }) ?? true else { return nil }
            state.timer = due
            return due
        }
        guard let due else { return }
        eventLoop.scheduleTask(deadline: SystemClock.deadline(due)) { [weak self] in
            self?.state.withLock { $0.timer = nil }
            self?.feed { $0.tick(now: $1) }
        }
    }
}

/// A function that is called once, by whoever comes first.
private final class Once<Value: Sendable>: Sendable {
    private let isOver = Atomic(false)
    private let function: @Sendable (Value) -> Void

    init(_ function: @escaping @Sendable (Value) -> Void) { self.function = function }

    func callAsFunction(_ value: Value) {
        if isOver.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged { function(value) }
    }
}
