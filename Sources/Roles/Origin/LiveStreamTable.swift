// SPDX-License-Identifier: Apache-2.0

public import Access
public import Feed
public import Identity
import Media
public import NIOCore
public import Replica
import Synchronization
import Transport

/// The streams this node is the gateway of.
public final class LiveStreamTable: Sendable {
    private let replicas: ReplicaTable
    private let settings: LiveStreamSettings
    private let makeReplica: @Sendable (StreamID, Term) -> StreamReplica
    private let onChange: @Sendable (LiveStream) -> Void
    private let highestTerm: @Sendable (StreamID) -> Term?
    private let claims: any TermClaims
    private let publishers: PublisherCount
    private let state = Mutex(State())

    private struct State {
        var streams: [StreamID: LiveStream] = [:]
        /// What was mended in streams that are gone, until it is asked for.
        var mendings: [SequencerCounters] = []
        var random = SystemRandomNumberGenerator()
        var isDraining = false
        var isClosing = false
        var isFenced = false
    }

    /// An empty table.
    /// - Parameters:
    ///   - highestTerm: the highest term that the cluster knows of a stream, if any. On any thread.
    ///   - claims: who is asked for every term that begins here.
    ///   - onChange: told of a stream when it begins, ends, and when its publisher goes and comes. On any thread.
    ///   - makeReplica: makes the local window of a new term.
    public init(
        settings: LiveStreamSettings, replicas: ReplicaTable, claims: any TermClaims,
        highestTerm: @escaping @Sendable (StreamID) -> Term?, onChange: @escaping @Sendable (LiveStream) -> Void,
        makeReplica: @escaping @Sendable (StreamID, Term) -> StreamReplica
    ) {
        self.settings = settings
        self.replicas = replicas
        self.makeReplica = makeReplica
        self.highestTerm = highestTerm
        self.claims = claims
        self.onChange = onChange
        publishers = PublisherCount(limit: settings.maximumPublishers)
    }

    /// How many publishers are connected now.
    public var publisherCount: Int { publishers.value }

    /// Looks after publishers that stall. Call about once a second.
    public func watch() { for stream in all { stream.watch() } }

    /// What sequencers had to mend since the last call, stream by stream.
    public func takeMendings() -> [SequencerCounters] {
        let (streams, gone) = state.withLock { state in
            defer { state.mendings = [] }
            return (Array(state.streams.values), state.mendings)
        }
        return gone + streams.map { $0.takeMendings() }
    }

    /// All streams, in no order.
    public var all: [LiveStream] { state.withLock { Array($0.streams.values) } }

    /// Whether no more publishers are let in, because the node is going down.
    public var isClosing: Bool { state.withLock { $0.isClosing } }

    /// The stream of this name, if this node is its gateway.
    public subscript(id: StreamID) -> LiveStream? { state.withLock { $0.streams[id] } }

    /// Lets a publisher in: into its running stream, or into a new one.
    public func open(
        _ id: StreamID, identity: PublisherIdentity, publisher: any Publisher, on eventLoop: any EventLoop
    ) -> Result<Publication, PublishRefusal> {
        while true {
            if let stream = self[id] {
                if let result = stream.open(identity, publisher, takeover: settings.takeover) { return result }
                forget(stream)
            }
            if let result = start(id, identity, publisher, on: eventLoop) {
                if case .success(let publication) = result { claim(publication.stream) }
                return result
            }
        }
    }

    /// Ends a stream and cuts its publisher. Returns whether there was one.
    @discardableResult
    public func end(_ id: StreamID, reason: EndReason) -> Bool {
        guard let stream = self[id] else { return false }
        stream.end(reason)
        return true
    }

    /// Has no stream write anything, and lets no new one begin: the node's leases may be others' already.
    public func fence(_ isFenced: Bool) {
        let streams = state.withLock { state in
            state.isFenced = isFenced
            return Array(state.streams.values)
        }
        for stream in streams { if isFenced { stream.fence(.lease) } else { stream.unfence(.lease) } }
    }

    /// Lets no new streams in; publishers of those that are there may come back to them.
    public func drain() { state.withLock { $0.isDraining = true } }

    /// Ends all streams, and lets no more in.
    public func close() {
        let streams = state.withLock { state in
            state.isClosing = true
            return Array(state.streams.values)
        }
        for stream in streams { stream.end(.shutdown) }
    }

    /// nil where another thread started the stream meanwhile.
    private func start(
        _ id: StreamID, _ identity: PublisherIdentity, _ publisher: any Publisher, on eventLoop: any EventLoop
    ) -> Result<Publication, PublishRefusal>? {
        state.withLock { state in
            guard state.streams[id] == nil else { return nil }
            guard !state.isClosing, !state.isDraining else { return .failure(.shuttingDown) }
            guard !state.isFenced else { return .failure(.cutOff) }
            guard state.streams.count < settings.maximumStreams, publishers.enter() else {
                return .failure(.tooManyPublishers)
            }
            let now = SystemClock.wall().milliseconds.magnitude
            let older = replicas[id]
            let known = [older?.term, highestTerm(id)].compactMap { $0 }.max()
            let term = Term.taken(above: known, now: now, using: &state.random)
            let stream = LiveStream(
                id: id, term: term, after: older?.outlook.reach?.msn, settings: settings, eventLoop: eventLoop,
                replica: makeReplica(id, term), publishers: publishers, identity: identity, publisher: publisher,
                onChange: onChange, onEnd: { [weak self] stream, _ in self?.forget(stream) })
            state.streams[id] = stream
            return .success(stream.firstPublication)
        }
    }

    /// Nothing is written, shown or told of a stream before its term is granted.
    private func claim(_ stream: LiveStream) {
        claims.claim(stream.id, stream.term) { [self] claim in
            guard claim == .granted else { return stream.yield() }
            replicas.insert(stream.replica)
            stream.unfence(.term)
            onChange(stream)
        }
    }

    private func forget(_ stream: LiveStream) {
        claims.release(stream.id, stream.term)
        let replica = stream.replica
        let mendings = stream.takeMendings()
        state.withLock { state in
            guard state.streams[stream.id] === stream else { return }
            state.streams[stream.id] = nil
            state.mendings.append(mendings)
        }
        stream.eventLoop.scheduleTask(in: TimeAmount(settings.endedLinger)) { [replicas] in
            replicas.remove(replica)
        }
    }
}
