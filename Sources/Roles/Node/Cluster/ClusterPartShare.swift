// SPDX-License-Identifier: Apache-2.0

import Cluster
import Clustering
import Feed
import Identity
import Origin
import Placement
import Relay
import Replica
import Router
import Synchronization
import Transport

/// What the relay asks of the node's choices: where a stream is taken from, and who is served. Any thread may call.
final class ClusterPartShare: ParentFinder, RelayDoorkeeper {
    private let desk: RouterDesk
    private let streams: LiveStreamTable
    private let replicas: ReplicaTable
    private let metrics: RelayMetrics
    private let state = Mutex(State())

    private struct State {
        var gossip: ClusterNode?
        var drainDeadline: Duration?
        var handover: HandoverPlan?
        var reported: (report: LoadReport, at: Duration)?
        /// Entries that were just heard, before the view has them.
        var expected: [StreamID: StreamEntry] = [:]
        /// Streams whose standby was given up, which have none until then, so that it begins anew or another does.
        var resting: [StreamID: Duration] = [:]
        /// Who said nothing a moment ago, and until when others are chosen as a stream's standby before them.
        var silent: [StreamID: (nodes: Set<NodeID>, until: Duration)] = [:]
        /// How many connections a standby holds a stream by.
        var joined: [Holding: Int] = [:]
        /// Streams that nobody but this node may end, and since when.
        var orphans: [StreamID: Duration] = [:]
        /// Streams whose term is being confirmed.
        var checks = TermChecks()
        /// Terms that others promised and that nobody was known to have, and since when.
        var forlorn: [StreamID: (term: Term, since: Duration)] = [:]
    }

    private struct Holding: Hashable {
        let node: NodeID
        let stream: StreamID
    }

    init(desk: RouterDesk, streams: LiveStreamTable, replicas: ReplicaTable, metrics: RelayMetrics) {
        self.desk = desk
        self.metrics = metrics
        self.replicas = replicas
        self.streams = streams
    }

    var gossip: ClusterNode? { state.withLock { $0.gossip } }

    func set(_ gossip: ClusterNode) { state.withLock { $0.gossip = gossip } }

    /// Whether routers should hear this report: while there are viewers every second, else when they have gone and every
    /// ten seconds, as a node that has nothing to say would say it to every router.
    func isNews(_ report: LoadReport) -> Bool {
        let now = SystemClock.now()
        return state.withLock { state in
            if let last = state.reported, last.report.viewers == 0, report.viewers == 0,
                now < last.at + Self.idleReports
            {
                return false
            }
            state.reported = (report, now)
            return true
        }
    }

    private static let idleReports: Duration = .seconds(10)

    /// When a drain ends at the latest; nil where none has begun.
    var drainDeadline: Duration? { state.withLock { $0.drainDeadline } }

    /// Begins a drain; a second one counts where it ends sooner.
    func drain(from now: Duration, until deadline: Duration) {
        state.withLock { state in
            guard state.drainDeadline.map({ deadline < $0 }) ?? true else { return }
            state.drainDeadline = deadline
            state.handover = HandoverPlan(from: now, to: deadline)
        }
    }

    /// What a drain is to do now with the streams that have publishers here; nothing where none is under way.
    func handover(of streams: [StreamID], now: Duration) -> [HandoverPlan.Directive] {
        state.withLock { $0.handover?.tick(streams, now: now) ?? [] }
    }

    /// Whether a stream's term is to be confirmed: nobody does it yet, or only since before the process stood still.
    func beginCheck(_ stream: StreamID, after stalls: UInt64) -> Bool {
        state.withLock { $0.checks.begin(stream, after: stalls) }
    }

    /// A stream's term was confirmed, or not.
    func endCheck(_ stream: StreamID, after stalls: UInt64) {
        state.withLock { $0.checks.end(stream, after: stalls) }
    }

    /// Whether a term that others have promised, and that the directory does not know, has had the time to begin: whoever
    /// takes it copies the window first, and its entry takes a moment.
    func isForlorn(_ term: Term, of stream: StreamID) -> Bool {
        let now = SystemClock.now()
        return state.withLock { state in
            guard let known = state.forlorn[stream], known.term == term else {
                state.forlorn[stream] = (term, now)
                return false
            }
            let isForlorn = now - known.since >= Self.longestBeginning
            if isForlorn { state.forlorn[stream] = nil }
            return isForlorn
        }
    }

    private static let longestBeginning: Duration = .seconds(3)

    /// The directory has a new entry; the view will say so in a moment.
    func expect(_ entry: StreamEntry) { state.withLock { $0.expected[entry.stream] = entry } }

    /// A stream goes without a standby for a second.
    func rest(_ stream: StreamID) {
        let end = SystemClock.now() + .seconds(1)
        state.withLock { $0.resting[stream] = end }
    }

    /// None of these is to be a stream's standby for a while where there is a choice: they say nothing, and of a machine that
    /// is gone the cluster needs some seconds to know.
    func avoid(_ silent: Set<NodeID>, for stream: StreamID) {
        guard !silent.isEmpty else { return }
        let end = SystemClock.now() + Self.longestDying
        state.withLock { $0.silent[stream] = (silent, end) }
    }

    private static let longestDying: Duration = .seconds(10)

    /// Streams that went without a standby for long enough may have one again. Call about once a second.
    func wake() {
        let now = SystemClock.now()
        state.withLock { state in
            state.resting = state.resting.filter { $0.value > now }
            state.silent = state.silent.filter { $0.value.until > now }
        }
    }

    /// Whom to choose as a stream's standby only where there is nobody else.
    func silent(of stream: StreamID) -> Set<NodeID> { state.withLock { $0.silent[stream]?.nodes ?? [] } }

    /// Whether a stream goes without a standby.
    func isResting(_ stream: StreamID) -> Bool { state.withLock { $0.resting[stream] != nil } }

    /// The view has what was expected of it, or knows better.
    func settle(_ view: ClusterView) {
        state.withLock { state in
            state.expected = state.expected.filter { stream, expected in
                view.streams[stream].map { expected.overrides($0) } ?? true && expected.state != .ended
            }
        }
    }

    /// Those of `orphans` that have been so for longer than `grace`.
    func overdue(_ orphans: [StreamEntry], after grace: Duration) -> [StreamEntry] {
        let now = SystemClock.now()
        return state.withLock { state in
            let known = state.orphans
            state.orphans = Dictionary(uniqueKeysWithValues: orphans.map { ($0.stream, known[$0.stream] ?? now) })
            return orphans.filter { (known[$0.stream] ?? now) + grace < now }
        }
    }

    func parents(of stream: StreamID) -> RelayParents? {
        let snapshot = desk.snapshot
        guard let entry = newest(stream, in: snapshot) else { return nil }
        let candidates: [Upstream]
        if entry.standby == snapshot.view.node {
            let gateway = snapshot.view.member(entry.gateway)
            let relay = gateway?.description.relay
            candidates = relay.map { [Upstream(node: entry.gateway, relay: $0)] } ?? []
        } else {
            candidates = snapshot.parents(of: snapshot.view.node, for: entry, edgeCount: snapshot.edges.count)
        }
        return RelayParents(
            candidates: candidates.map { RelayParent(node: $0.node, endpoint: $0.relay) }, term: entry.term,
            isOver: entry.state == .ended, view: snapshot.view.version)
    }

    private func newest(_ stream: StreamID, in snapshot: PlacementSnapshot) -> StreamEntry? {
        let known = snapshot.view.streams[stream]
        guard let expected = state.withLock({ $0.expected[stream] }) else { return known }
        guard let known else { return expected }
        return expected.overrides(known) ? expected : known
    }
}

// MARK: - Who is served

extension ClusterPartShare {
    func verdict(on request: RelayRequest, by node: NodeID) -> RelayVerdict {
        let snapshot = desk.snapshot
        guard let entry = newest(request.stream, in: snapshot) else {
            return streams[request.stream] == nil ? .refuse(.unknownStream) : .accept
        }
        // Who takes the stream over copies it from wherever it is.
        if request.isTaking { return .accept }
        let ours = replicas[request.stream]?.term
        if let term = request.term, term > max(entry.term, ours ?? entry.term) { return .refuse(.wrongTerm) }
        // What only the holders have goes on until they have ended.
        if drainDeadline != nil, !entry.isHeld(by: snapshot.view.node) { return .refuse(.draining) }
        if request.isHolder {
            let isOurs = entry.gateway == snapshot.view.node && entry.standby == node
            return isOurs ? .accept : .refuse(.notHere)
        }
        let member = snapshot.view.member(node)
        let question = SubscriptionRequest(
            node: node, region: member?.description.region ?? .elsewhere,
            level: member == nil ? .remoteShield : snapshot.level(of: node, for: entry),
            via: request.via.map(\.number), redirects: Int(request.redirects))
        let subscribers = streams[request.stream]?.replica.subscriberCount ?? 0
        switch snapshot.admit(question, for: entry, subscribers: subscribers) {
        case .accept: return .accept
        case .redirect(let upstream, _):
            return .redirect(RelayParent(node: upstream.node, endpoint: upstream.relay))
        case .refuseCircle: return .refuse(.loop)
        case .refuseDistance: return .refuse(.tooManyHops)
        }
    }

    func isLeaving(_ stream: StreamID) -> Bool {
        guard drainDeadline != nil else { return false }
        let snapshot = desk.snapshot
        return newest(stream, in: snapshot).map { !$0.isHeld(by: snapshot.view.node) } ?? false
    }

    func holder(
        _ node: NodeID, of stream: StreamID, said acknowledgement: RelayPublisherSession.Acknowledgement
    ) {
        switch acknowledgement {
        case .holds(let position): streams[stream]?.holder(node, holds: position)
        case .joins(let position):
            state.withLock { $0.joined[Holding(node: node, stream: stream), default: 0] += 1 }
            streams[stream]?.holder(node, joinsAt: position)
        }
    }

    /// A standby that came back on a new connection holds on, when its old one is noticed to be gone.
    func lostHolder(_ node: NodeID, of stream: StreamID) {
        let holding = Holding(node: node, stream: stream)
        let isGone = state.withLock { state in
            let left = (state.joined[holding] ?? 1) - 1
            state.joined[holding] = left > 0 ? left : nil
            return left <= 0
        }
        if isGone { streams[stream]?.lost(node) }
    }

    func answer(_ stream: StreamID, term: Term) -> TermAnswer {
        let own = streams[stream]
        let known = [
            newest(stream, in: desk.snapshot)?.term, replicas.promised(stream), own?.hasTerm == true ? own?.term : nil,
        ].compactMap { $0 }.max()
        if let known, known > term {
            metrics.refused(.question)
            let holding = replicas[stream]?.holding
            return TermAnswer(stream: stream, term: known, next: holding?.next, commit: holding?.commit)
        }
        // First no acknowledgement and no commit of lower terms any more, then no record, and only then what is held. A term
        // that this node has begun to ask for in this very moment is higher, and not given up for a lower one.
        _ = replicas.promise(stream, term)
        if let own, own.term < term, replicas.promised(stream) == term { own.yield() }
        let holding = replicas.promise(stream, term)
        return TermAnswer(
            stream: stream, term: replicas.promised(stream) ?? term, next: holding.next, commit: holding.commit)
    }
}

extension StreamEntry {
    /// Whether a node is the gateway or the standby.
    fileprivate func isHeld(by node: NodeID) -> Bool { gateway == node || standby == node }
}

extension Region {
    /// A region that is not ours, whichever it is.
    fileprivate static let elsewhere = Region(parsing: "elsewhere") ?? .local
}
