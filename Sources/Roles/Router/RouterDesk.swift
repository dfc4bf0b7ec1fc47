// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity
public import Placement
import Synchronization
import Telemetry
import Transport

/// What all fronts of a router share: its view of the cluster, the load of its region's edges, and the set of edges of
/// every stream that is watched. Any thread may call.
public final class RouterDesk: Sendable {
    let metrics: RouterMetrics
    private let regions: RegionChoice
    private let settings: PlacementSettings
    private let state: Mutex<State>
    private let leaving = Atomic(false)

    private struct State {
        var snapshot: PlacementSnapshot
        var loads: EdgeLoads
        var sets: [StreamID: (set: EdgeSet, used: Duration)] = [:]
        var reports: [NodeID: LoadReport] = [:]
        /// Edges that are to take a stream before viewers are sent there.
        var warmings: [(stream: StreamID, edge: Member)] = []
    }

    /// Where a viewer is to go.
    public enum Route: Sendable {
        /// Nobody takes viewers.
        case nowhere
        /// This node serves it, as there is no other edge.
        case here
        /// These members serve it, the first before the second.
        case edges(Member, Member?)
        /// A router of another region serves it; its URL without a slash at the end.
        case region(String)
    }

    /// A router of a view that has only itself.
    public init(
        view: ClusterView, regions: RegionChoice, settings: PlacementSettings = PlacementSettings(),
        metrics: RouterMetrics
    ) {
        self.regions = regions
        self.settings = settings
        self.metrics = metrics
        state = Mutex(State(snapshot: PlacementSnapshot(view), loads: EdgeLoads(settings: settings)))
        follow(view)
    }

    /// What choices are made over now.
    public var snapshot: PlacementSnapshot { state.withLock { $0.snapshot } }

    /// The newest report of each edge.
    public var reports: [LoadReport] { state.withLock { $0.reports.values.sorted { $0.node < $1.node } } }

    /// Whether this node's viewers are to go elsewhere.
    public var isDraining: Bool { leaving.load(ordering: .relaxed) }

    /// From now on this node's viewers go elsewhere.
    public func drain() { leaving.store(true, ordering: .relaxed) }

    /// How much of the region's edges is in use, 0 to 1.
    public var use: Double { state.withLock { $0.loads.use } }
}

// MARK: - What the router hears

extension RouterDesk {
    /// Takes a new view of the cluster.
    public func follow(_ view: ClusterView) {
        let snapshot = PlacementSnapshot(view)
        state.withLock { state in
            guard view.version >= state.snapshot.view.version else { return }
            state.snapshot = snapshot
            state.loads.follow(snapshot.edges)
            state.reports = state.reports.filter { snapshot.edges.index(of: $0.key) != nil }
        }
    }

    /// Takes an edge's word about its load.
    public func receive(_ report: LoadReport) {
        let isKnown = state.withLock { state in
            guard state.snapshot.edges.index(of: report.node) != nil else { return false }
            state.loads.receive(report, now: SystemClock.now())
            state.reports[report.node] = report
            return true
        }
        if isKnown { metrics.reports.add() } else { metrics.strangers.add() }
    }

    /// Lets the sets of edges follow their audiences. Call it once a second.
    public func tick() {
        let now = SystemClock.now()
        state.withLock { state in
            for (stream, known) in state.sets {
                var set = known.set
                let wanted = set.update(
                    audience: state.loads.audience(of: set.stream), use: state.loads.use, in: state.snapshot,
                    settings: settings, now: now)
                note(wanted, stream, &state)
                state.sets[stream] = known.used + Self.memory < now && set.edges.isEmpty ? nil : (set, known.used)
            }
        }
    }

    /// The edges that are new in the set of a stream since the last call: each is to be asked for the stream, and
    /// ``warmed(_:_:)`` to be said when it has it.
    public func takeWarmings() -> [(stream: StreamID, edge: Member)] {
        state.withLock { state in
            defer { state.warmings = [] }
            return state.warmings
        }
    }

    /// An edge has a stream: viewers may be sent there.
    public func warmed(_ stream: StreamID, _ edge: NodeID) {
        state.withLock { $0.sets[stream]?.set.warmed(edge) }
    }

    private func note(_ wanted: [EdgeSet.Directive], _ stream: StreamID, _ state: inout State) {
        for case .warm(let node) in wanted {
            guard let index = state.snapshot.edges.index(of: node) else { continue }
            state.warmings.append((stream, state.snapshot.edges.members[index]))
        }
    }

    /// How long a stream that nobody asks for stays known.
    private static let memory: Duration = .seconds(120)
}

// MARK: - What the router says

extension RouterDesk {
    /// Chooses for a viewer who begins to watch, and counts it.
    /// - Parameter mayLeave: whether the viewer may be sent to another region; false where one has sent it here.
    public func route(_ session: ViewerID, to stream: StreamID, from viewer: ViewerOrigin, mayLeave: Bool) -> Route {
        let now = SystemClock.now()
        return state.withLock { state in
            if mayLeave, let router = otherRegion(for: viewer, session, state) { return .region(router) }
            guard state.snapshot.edges.count > 0 else { return .nowhere }
            let key = RankingKey(stream)
            var (set, _) = state.sets[stream] ?? (EdgeSet(stream: key), now)
            let audience = max(state.loads.audience(of: key), settings.viewerBandwidth)
            let wanted = set.update(
                audience: audience, use: state.loads.use, in: state.snapshot, settings: settings, now: now)
            note(wanted, stream, &state)
            state.sets[stream] = (set, now)
            let edges = state.snapshot.edges
            guard let place = state.loads.place(session, of: key, in: set.ready(now: now), of: edges) else {
                return .nowhere
            }
            state.loads.assign(key, to: place.first, now: now)
            let first = edges.members[place.first]
            guard edges.count > 1 || first.id != state.snapshot.view.node else { return .here }
            return .edges(first, place.second.map { edges.members[$0] })
        }
    }

    /// What is known of a stream, wherever it is; nil where nobody publishes it.
    public func entry(_ stream: StreamID) -> StreamEntry? { state.withLock { $0.snapshot.view.streams[stream] } }

    /// Whether an edge of this region takes viewers, and how much of it is in use; nil where it is none any more.
    func edge(_ id: NodeID) -> (isOpen: Bool, load: Double)? {
        state.withLock { state in
            guard let index = state.snapshot.edges.index(of: id) else { return nil }
            let member = state.snapshot.edges.members[index]
            let report = state.reports[id]
            let egress = Double(report?.egress ?? 0) / (Double(max(member.description.capacity, 1)) * 1_000_000)
            return (member.takesWork, max(egress, Double(report?.processor ?? 0) / 1000))
        }
    }

    /// The first edges of the stream's ranking in this region that take viewers.
    func workingEdges(_ count: Int, of stream: StreamID) -> [Member] {
        state.withLock { state in
            let edges = state.snapshot.edges
            return edges.working(count, of: RankingKey(stream)).map { edges.members[$0] }.filter(\.takesWork)
        }
    }

    /// The first edge of the stream's ranking in this region; nil where there is none.
    func firstEdge(of stream: StreamID) -> Member? {
        state.withLock { state in
            let edges = state.snapshot.edges
            return edges.working(1, of: RankingKey(stream)).first.map { edges.members[$0] }
        }
    }

    /// Where a publisher of `stream` is sent, without a slash at the end; nil where no origin can be reached.
    public func publisherURL(for stream: StreamID) -> String? {
        state.withLock { $0.snapshot.origin(for: stream)?.description.publisherURL }
    }

    /// The same for publishers that come over HTTP.
    public func publisherWebURL(for stream: StreamID) -> String? {
        let url = state.withLock { $0.snapshot.origin(for: stream)?.description.viewerURL }
        return url?.isEmpty ?? true ? nil : url
    }

    /// This node's own URL for requests over HTTP, without a slash at the end; nil where it has none.
    public var ownURL: String? {
        let view = snapshot.view
        let url = view.members.first { $0.id == view.node }?.description.viewerURL
        return url?.isEmpty ?? true ? nil : url
    }

    /// How far another region is from this node's; of two, the lower is nearer. nil where that is not known.
    func distance(to region: Region) -> Double? { regions.distance(from: snapshot.region, to: region) }

    /// The edges of a stream and whether each is ready for viewers, in the order of the ranking.
    public func edgeSet(of stream: StreamID) -> [(node: NodeID, isReady: Bool)] {
        let now = SystemClock.now()
        return state.withLock { state in
            guard let set = state.sets[stream]?.set else { return [] }
            let ready = Set(set.ready(now: now))
            return set.edges.filter { $0 < state.snapshot.edges.count }
                .map { (state.snapshot.edges.members[$0].id, ready.contains($0)) }
        }
    }

    private func otherRegion(for viewer: ViewerOrigin, _ session: ViewerID, _ state: State) -> String? {
        guard !state.snapshot.view.regions.isEmpty else { return nil }
        let region = regions.region(for: viewer, in: state.snapshot, use: state.loads.use)
        guard region != state.snapshot.region, let routers = state.snapshot.view.regions[region]?.routers,
            !routers.isEmpty
        else { return nil }
        return routers[Int(session.number % UInt64(routers.count))]
    }
}
