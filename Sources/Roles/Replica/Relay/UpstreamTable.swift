// SPDX-License-Identifier: Apache-2.0

import CMAF
public import Identity
public import NIOCore
public import Relay
import Synchronization
import Telemetry
import Transport

/// The streams that a node takes from others: one subscription a stream, however many watch it here. The first who asks
/// for a stream opens it; it stays for a while after the last.
public final class UpstreamTable: StreamSource {
    let replicas: ReplicaTable
    private let finder: any ParentFinder
    private let makeReplica: @Sendable (StreamID) -> StreamReplica
    private let settings: UpstreamSettings
    private let identity: RelayIdentity
    private let metrics: RelayMetrics
    private let loops: [any EventLoop]
    private let state = Mutex(State())

    private struct State {
        var entries: [StreamID: Entry] = [:]
        /// Streams whose term is being taken here.
        var suspended: Set<StreamID> = []
        var places: [Place] = []
        var turn = 0
        var isClosing = false
    }

    /// A loop and what it takes.
    private struct Place: Sendable {
        let eventLoop: any EventLoop
        let upstreams: NIOLoopBoundBox<UpstreamLoop>
    }

    /// One stream.
    private struct Entry: Sendable {
        let replica: StreamReplica
        let place: Place
        /// Whether it is held for the gateway, whoever watches.
        var isHeld: Bool
        /// From when on nobody knew it; it is then kept only as that knowledge.
        var unknownSince: Duration?
    }

    /// A table over `group`.
    /// - Parameter makeReplica: makes the empty window of a stream that comes over the relay.
    public init(
        identity: RelayIdentity, replicas: ReplicaTable, finder: any ParentFinder, settings: UpstreamSettings,
        on group: any EventLoopGroup, metrics: RelayMetrics,
        makeReplica: @escaping @Sendable (StreamID) -> StreamReplica
    ) {
        self.identity = identity
        self.replicas = replicas
        self.finder = finder
        self.settings = settings
        self.metrics = metrics
        self.makeReplica = makeReplica
        loops = Array(group.makeIterator())
    }

    /// A replica of the stream that fills as records come; nil where nobody is known to publish it.
    public func replica(of stream: StreamID, via: [NodeTag]) -> StreamReplica? {
        open(stream, via: via, isHeld: false)
    }

    /// Takes the stream as its standby, until `release`.
    /// - Returns: whether anybody is known to publish it.
    @discardableResult
    public func hold(_ stream: StreamID) -> Bool {
        let former = state.withLock { state -> Entry? in
            guard let entry = state.entries[stream], !entry.isHeld else { return nil }
            state.entries[stream] = nil
            return entry
        }
        if let former { close(former) }
        return open(stream, via: [], isHeld: true, reusing: former?.replica) != nil
    }

    /// Whether the node is any stream's standby.
    public var isHolding: Bool { state.withLock { $0.entries.values.contains { $0.isHeld } } }

    /// The node is no longer the stream's standby. What it holds stays while somebody wants it.
    public func release(_ stream: StreamID) {
        let former = state.withLock { state -> Entry? in
            guard let entry = state.entries[stream], entry.isHeld else { return nil }
            state.entries[stream] = nil
            return entry
        }
        guard let former else { return }
        close(former)
        _ = open(stream, via: [], isHeld: false, reusing: former.replica)
    }

    /// The directory says something new of a stream, in this term.
    public func learn(_ stream: StreamID, _ term: Term) {
        guard let entry = state.withLock({ $0.entries[stream] }) else { return }
        entry.place.eventLoop.execute { entry.place.upstreams.value.learn(stream, term) }
    }

    /// Takes a stream that this node was the gateway of from whoever is now.
    public func adopt(_ replica: StreamReplica) {
        replica.resign()
        let former = state.withLock { state -> Entry? in
            guard !state.isClosing else { return nil }
            defer { enter(replica, via: [], isHeld: false, &state) }
            return state.entries[replica.id]
        }
        if let former { close(former) }
    }

    /// Has the publisher of a stream asked for a random access point, by who it is taken from.
    private func requestRandomAccess(of stream: StreamID) {
        guard let entry = state.withLock({ $0.entries[stream] }) else { return }
        entry.place.eventLoop.execute { entry.place.upstreams.value.requestRandomAccess(of: stream) }
    }

    /// Takes a stream from nobody, as this node is to be its gateway.
    func suspend(_ stream: StreamID) {
        let former = state.withLock { state in
            state.suspended.insert(stream)
            return state.entries.removeValue(forKey: stream)
        }
        if let former { close(former) }
    }

    /// Whatever came of it, a stream may be taken from others again where this node is not its gateway.
    func resume(_ stream: StreamID) { state.withLock { _ = $0.suspended.remove(stream) } }

    /// Does something on one of the loops that have connections to other nodes.
    func onSomeLoop(_ body: @escaping @Sendable (UpstreamLoop) -> Void) {
        guard let chosen = state.withLock({ $0.isClosing ? nil : place(&$0) }) else { return }
        chosen.eventLoop.execute { body(chosen.upstreams.value) }
    }

    /// Lets go what nobody wants any more. Call about once a second.
    public func sweep() {
        let now = SystemClock.now()
        let gone = state.withLock { state -> [Entry] in
            let gone = state.entries.filter { isOver($0.value, now: now) }
            for id in gone.keys { state.entries[id] = nil }
            return Array(gone.values)
        }
        for entry in gone {
            close(entry)
            replicas.remove(entry.replica)
        }
        replicas.sweep()
        metrics.upstreams.set(state.withLock { $0.entries.count })
    }

    /// Ends all subscriptions, and opens no more.
    public func stop() {
        let entries = state.withLock { state in
            state.isClosing = true
            defer { state.entries = [:] }
            return Array(state.entries.values)
        }
        for entry in entries { close(entry) }
    }
}

extension UpstreamTable {
    private func open(
        _ stream: StreamID, via: [NodeTag], isHeld: Bool, reusing former: StreamReplica? = nil
    ) -> StreamReplica? {
        let isKnown = finder.parents(of: stream).map { !$0.candidates.isEmpty && !$0.isOver } ?? false
        guard isKnown || former != nil else { return nil }
        return state.withLock { state in
            if let entry = state.entries[stream] { return entry.unknownSince == nil ? entry.replica : nil }
            let held = replicas[stream].flatMap { $0.isOver ? nil : $0 }
            if let held, held.source == .gateway || state.suspended.contains(stream) { return held }
            guard !state.isClosing, state.entries.count < settings.maximumStreams else { return nil }
            let replica = former ?? held ?? makeReplica(stream)
            enter(replica, via: via, isHeld: isHeld, &state)
            return replica
        }
    }

    private func enter(_ replica: StreamReplica, via: [NodeTag], isHeld: Bool, _ state: inout State) {
        let place = place(&state)
        state.entries[replica.id] = Entry(replica: replica, place: place, isHeld: isHeld)
        replicas.insert(replica)
        replica.asks { [weak self, id = replica.id] in self?.requestRandomAccess(of: id) }
        place.eventLoop.execute { [upstreams = place.upstreams] in
            upstreams.value.open(replica, via: via, isHolder: isHeld)
        }
    }

    /// Streams go to the loops in turn.
    private func place(_ state: inout State) -> Place {
        if state.places.isEmpty { state.places = loops.map(makePlace) }
        state.turn = (state.turn + 1) % state.places.count
        return state.places[state.turn]
    }

    private func makePlace(_ eventLoop: any EventLoop) -> Place {
        let upstreams = UpstreamLoop(
            eventLoop: eventLoop, identity: identity, finder: finder, packaging: settings.packaging, metrics: metrics,
            onUnknown: { [weak self] in self?.giveUp($0) })
        return Place(
            eventLoop: eventLoop, upstreams: .makeBoxSendingValue(upstreams, eventLoop: eventLoop))
    }

    private func close(_ entry: Entry) {
        entry.place.eventLoop.execute { [entry] in entry.place.upstreams.value.close(entry.replica) }
    }

    private func giveUp(_ replica: StreamReplica) {
        state.withLock { state in
            guard state.entries[replica.id]?.replica === replica else { return }
            state.entries[replica.id]?.unknownSince = SystemClock.now()
        }
        replica.abandon()
        replicas.remove(replica)
    }

    private func isOver(_ entry: Entry, now: Duration) -> Bool {
        if let unknownSince = entry.unknownSince { return unknownSince + settings.unknownLife <= now }
        if replicas[entry.replica.id] !== entry.replica { return true }
        return !entry.isHeld && !entry.replica.isWanted(now: now, linger: settings.linger)
    }
}

/// How a node takes streams from others.
public struct UpstreamSettings: Sendable {
    /// How long a stream stays after the last who wanted it.
    public var linger: Duration = .seconds(10)
    /// How long it is remembered that nobody knows a stream.
    public var unknownLife: Duration = .seconds(1)
    /// The versions of the byte writer that the node writes: it takes no stream of another.
    public var packaging = Packaging.supported
    /// How many streams a node takes from others.
    public var maximumStreams = 10_000

    /// The defaults.
    public init() {}
}
