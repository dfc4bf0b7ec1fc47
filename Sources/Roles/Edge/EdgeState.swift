// SPDX-License-Identifier: Apache-2.0

public import Access
import CDN
public import HLS
public import Identity
public import Replica
import Synchronization
import Telemetry
import Transport

/// What all fronts of an edge share. Any thread may call.
public final class EdgeState: Sendable {
    let policy: AccessPolicy
    let windowSettings: MediaWindowSettings
    let play: PlaySettings
    let metrics: EdgeMetrics
    /// What viewers can go back to; nil where nothing is kept.
    let rewind: RewindDesk?
    /// Where spans of requests go; nil where nothing is traced.
    let tracer: NodeTracer?
    private let replicas: ReplicaTable
    private let source: (any StreamSource)?
    private let settings: EdgeSettings
    private let pathways: @Sendable (StreamID) -> [MultivariantPlaylist.Pathway]
    private let state = Mutex(State())

    private struct State {
        var streams: [StreamID: EdgeStream] = [:]
        var viewers = 0
    }

    /// The edge over a node's replicas.
    /// - Parameters:
    ///   - source: where streams come from that the node does not hold; nil where it only serves its own.
    ///   - rewind: what viewers can go back to; nil where nothing is kept.
    ///   - tracer: where spans of requests go; nil where nothing is traced.
    ///   - pathways: where else a stream can be had.
    public init(
        replicas: ReplicaTable, source: (any StreamSource)? = nil, policy: AccessPolicy, window: MediaWindowSettings,
        play: PlaySettings,
        settings: EdgeSettings, metrics: EdgeMetrics, rewind: RewindDesk? = nil, tracer: NodeTracer? = nil,
        pathways: @escaping @Sendable (StreamID) -> [MultivariantPlaylist.Pathway] = { _ in [] }
    ) {
        self.pathways = pathways
        self.rewind = rewind
        self.tracer = tracer
        self.replicas = replicas
        self.source = source
        self.policy = policy
        windowSettings = window
        self.play = play
        self.settings = settings
        self.metrics = metrics
    }

    /// The stream as it is served now; nil where the node has no replica of it, and nobody to take it from.
    func stream(_ id: StreamID) -> EdgeStream? {
        let held = replicas[id] ?? source?.replica(of: id, via: [])
        let (stream, replaced) = state.withLock { state -> (EdgeStream?, EdgeStream?) in
            let replica = held
            let known = state.streams[id]
            if let known, known.replica === replica { return (known, nil) }
            state.streams[id] = replica.map(serve)
            return (state.streams[id], known)
        }
        if let replaced { count(-replaced.replica.dismissViewers()) }
        return stream
    }

    private func serve(_ replica: StreamReplica) -> EdgeStream {
        let id = replica.id
        return EdgeStream(replica, tag: settings.tagsAnswers ? SurrogateKey(id) : nil) { [pathways] in pathways(id) }
    }

    /// The replica that a stream is served from now; nil where there is none.
    public func replica(of id: StreamID) -> StreamReplica? { stream(id)?.replica }

    /// Notes that a viewer asks for a playlist, or begins to watch. Returns false where the node has as many viewers as it may have.
    public func welcome(_ viewer: UInt64, as kind: ViewerSession.Kind = .hls, to replica: StreamReplica) -> Bool {
        let now = SystemClock.now()
        let isKnown = replica.knows(viewer)
        guard isKnown || state.withLock({ $0.viewers < settings.maximumViewers }) else {
            metrics.viewersTooMany.add()
            return false
        }
        if replica.note(viewer, kind, now: now) {
            count(1)
            metrics.viewersCame(kind)
        }
        return true
    }

    /// A viewer's connection is gone.
    public func farewell(_ viewer: UInt64, from replica: StreamReplica) {
        if replica.forget(viewer) { count(-1) }
    }

    /// Forgets the viewers who stopped asking, and streams that are gone. Call about once a second.
    public func sweep() {
        let now = SystemClock.now()
        for replica in replicas.all { count(-replica.sweepViewers(now: now, life: settings.viewerLife)) }
        let gone = state.withLock { state in
            let gone = state.streams.filter { replicas[$0.key] !== $0.value.replica }
            for id in gone.keys { state.streams[id] = nil }
            return gone.values
        }
        for stream in gone { count(-stream.replica.dismissViewers()) }
        for stream in state.withLock({ Array($0.streams.values) }) { stream.expire(now: now) }
        rewind?.sweep(now: now) { [replicas] in replicas[$0] != nil }
    }

    private func count(_ change: Int) {
        guard change != 0 else { return }
        let viewers = state.withLock { state in
            state.viewers += change
            return state.viewers
        }
        metrics.viewers.set(viewers)
    }
}

/// Limits of an edge.
public struct EdgeSettings: Sendable {
    /// How many viewers the node takes.
    public var maximumViewers = 20_000
    /// How long a viewer of playlists counts after its last request: two of the longest blocking waits of the defaults.
    public var viewerLife: Duration = .seconds(15)
    /// Whether answers bear the key by which a CDN forgets them.
    public var tagsAnswers = false

    /// The defaults.
    public init() {}
}
