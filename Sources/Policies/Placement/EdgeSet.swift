// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// The edges of a region that serve one stream, as one router follows them: a prefix of the stream's ranking, as long as
/// its audience asks for.
///
/// A router keeps one for every stream that is watched and updates it about once a second, and when the view changes.
public struct EdgeSet: Sendable {
    /// What the router is to do.
    public enum Directive: Hashable, Sendable {
        /// Have this edge subscribe to the stream, and say ``EdgeSet/warmed(_:)`` when it holds a segment.
        case warm(NodeID)
    }

    /// The stream.
    public let stream: RankingKey
    /// The edges by index into the snapshot's, in the order of the ranking, suspects and those that warm up among them.
    public private(set) var edges: [Int] = []
    private var nodes: [NodeID] = []
    private var warming: [NodeID: Duration] = [:]
    private var size = EdgeSetSize()
    private var version: UInt64?

    /// The set of a stream that nobody watches yet.
    public init(stream: RankingKey) { self.stream = stream }

    /// When to update even if nothing happens.
    public var nextDeadline: Duration? { size.nextDeadline }

    /// Follows the audience and the view.
    ///
    /// Its edges are to hold the audience within their bound, so that viewers stay in the set: a unit is what the bound
    /// leaves to one edge, and at most half of it.
    /// - Parameters:
    ///   - audience: what the stream's viewers in the region are sent, or will be when they are there; see
    ///     ``EdgeLoads/audience(of:)``.
    ///   - use: how much of the region's edges is in use; see ``EdgeLoads/use``.
    public mutating func update(
        audience: Bandwidth, use: Double, in snapshot: PlacementSnapshot, settings: PlacementSettings, now: Duration
    ) -> [Directive] {
        let unit = min(settings.unit, max(settings.bound * use, settings.idle))
        let capacity = min(Double(snapshot.edges.meanCapacity.kilobits), 1e15)
        let resized = size.update(
            audience: audience, unit: Bandwidth(kilobits: UInt64(max(capacity * unit, 1))),
            smallest: settings.smallestEdgeSet, largest: snapshot.edges.count, delay: settings.shrinkDelay, now: now)
        guard resized || version != snapshot.view.version else { return [] }
        version = snapshot.view.version
        return choose(from: snapshot.edges, warmUp: settings.warmUp, now: now)
    }

    /// An edge is ready for viewers of the stream.
    public mutating func warmed(_ node: NodeID) { warming[node] = nil }

    /// The edges that viewers may be sent to: those that are warm, or had the time to be. Where none is, all: a viewer who
    /// waits for the first segment is better off than one who is refused.
    public func ready(now: Duration) -> [Int] {
        guard warming.values.contains(where: { $0 > now }) else { return edges }
        let ready = zip(edges, nodes).filter { (warming[$0.1] ?? now) <= now }.map(\.0)
        return ready.isEmpty ? edges : ready
    }

    /// The first edges of a stream need no warming: there is none to send viewers to meanwhile.
    private mutating func choose(from candidates: Candidates, warmUp: Duration, now: Duration) -> [Directive] {
        let before = Set(nodes)
        edges = candidates.working(size.count, of: stream)
        nodes = edges.map { candidates.members[$0].id }
        let stay = Set(nodes)
        warming = warming.filter { stay.contains($0.key) && $0.value > now }
        let new = before.isEmpty ? [] : nodes.filter { !before.contains($0) }
        for node in new { warming[node] = now + warmUp }
        return new.map { .warm($0) }
    }
}
