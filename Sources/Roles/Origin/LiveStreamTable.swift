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
    private let makeReplica: @Sendable (StreamID) -> StreamReplica
    let cluster: any OriginCluster
    private let publishers: PublisherCount
    private let state = Mutex(State())

    private struct State {
        var streams: [StreamID: LiveStream] = [:]
        /// What was mended in streams that are gone, until it is asked for.
        var mendings: [SequencerCounters] = []
        var isDraining = false
        var isClosing = false
        var isFenced = false
    }

    /// An empty table.
    /// - Parameter makeReplica: makes the empty window of a stream.
    public init(
        settings: LiveStreamSettings, replicas: ReplicaTable, cluster: any OriginCluster,
        makeReplica: @escaping @Sendable (StreamID) -> StreamReplica
    ) {
        self.settings = settings
        self.replicas = replicas
        self.cluster = cluster
        self.makeReplica = makeReplica
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

    /// The stream of this name, if this node is its gateway or is about to be.
    public subscript(id: StreamID) -> LiveStream? { state.withLock { $0.streams[id] } }

    /// The first half of the identity of who publishes a stream at another node, if anybody is known to.
    func publisherElsewhere(of id: StreamID) -> UInt64? { cluster.known(id)?.publisher }

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
                if case .success(let publication) = result { begin(publication.stream, for: .publishing) }
                return result
            }
        }
    }

    /// Takes a stream whose publisher is gone for good only to end it.
    public func endOrphan(_ id: StreamID, on eventLoop: any EventLoop) {
        let stream = state.withLock { state -> LiveStream? in
            guard state.streams[id] == nil, !state.isClosing, !state.isFenced else { return nil }
            let nobody = PublisherIdentity(cluster.known(id)?.publisher ?? 0, 0)
            return enter(id, .absent(until: .now(), last: nobody), on: eventLoop, &state)
        }
        if let stream { begin(stream, for: .ending) }
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

    /// Cuts all publishers and lets no more in. Streams end only where no other node could go on with them; a term that is
    /// being taken is left to whoever takes one next.
    public func close() {
        let streams = state.withLock { state in
            state.isClosing = true
            return Array(state.streams.values)
        }
        let hasOthers = cluster.hasOthers
        for stream in streams {
            if !hasOthers {
                stream.end(.shutdown)
            } else if stream.hasTerm {
                stream.part()
            } else {
                stream.yield(.shutdown)
            }
        }
    }
}

extension LiveStreamTable {
    /// nil where another thread started the stream meanwhile.
    private func start(
        _ id: StreamID, _ identity: PublisherIdentity, _ publisher: any Publisher, on eventLoop: any EventLoop
    ) -> Result<Publication, PublishRefusal>? {
        state.withLock { state in
            guard state.streams[id] == nil else { return nil }
            guard !state.isClosing, !state.isDraining else { return .failure(.shuttingDown) }
            guard !state.isFenced else { return .failure(.cutOff) }
            let elsewhere = cluster.known(id)?.publisher
            guard AccessPolicy.replace(elsewhere: elsewhere, by: identity, takeover: settings.takeover) != .refuse
            else { return .failure(.nameIsLive) }
            guard state.streams.count < settings.maximumStreams, publishers.enter() else {
                return .failure(.tooManyPublishers)
            }
            return .success(enter(id, .publishing(identity, publisher), on: eventLoop, &state).firstPublication)
        }
    }

    /// What is held of a stream that is not over goes on; a new life begins with an empty window.
    private func enter(
        _ id: StreamID, _ presence: LiveStream.Presence, on eventLoop: any EventLoop, _ state: inout State
    ) -> LiveStream {
        let older = replicas[id]
        let replica = older.flatMap { $0.isOver ? nil : $0 } ?? makeReplica(id)
        let known = [older?.term, cluster.known(id)?.term, replicas.promised(id)].compactMap { $0 }.max()
        let stream = LiveStream(
            id: id, above: known, after: older?.outlook.reach?.msn, presence: presence, settings: settings,
            eventLoop: eventLoop, replica: replica, publishers: publishers, pulse: cluster.pulse, calls: calls)
        state.streams[id] = stream
        if replica !== older { replicas.insert(replica) }
        return stream
    }

    private var calls: LiveStream.Calls {
        LiveStream.Calls(
            change: { [cluster] in cluster.changed($0) }, over: { [weak self] in self?.forget($0) },
            fence: { [cluster] in cluster.fenced($0) })
    }

    func begin(_ stream: LiveStream, for purpose: TermPurpose) {
        cluster.take(stream, for: purpose) { [weak stream] outcome in
            guard let stream else { return }
            switch outcome {
            case .lost(let reason): stream.yield(reason)
            case .taken(let term, let packaging, let listed):
                if !stream.begin(term, packaging: packaging, listed: listed) { stream.yield() }
            }
        }
    }

    private func forget(_ stream: LiveStream) {
        let replica = stream.replica
        let mendings = stream.takeMendings()
        let wasHere = state.withLock { state in
            guard state.streams[stream.id] === stream else { return false }
            state.streams[stream.id] = nil
            state.mendings.append(mendings)
            return true
        }
        guard wasHere else { return }
        guard !stream.isYielded else { return cluster.gaveUp(stream) }
        cluster.ended(stream)
        stream.eventLoop.scheduleTask(in: TimeAmount(settings.endedLinger)) { [replicas] in
            if replica.isOver { replicas.remove(replica) }
        }
    }
}
