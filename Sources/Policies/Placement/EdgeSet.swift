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
    private var size = EdgeSetSize()
    private var entries: [Entry] = []
    private var version: UInt64?

    /// The set of a stream that nobody watches yet.
    public init(stream: RankingKey) { self.stream = stream }

    /// When to update even if nothing happens.
    public var nextDeadline: Duration? { size.nextDeadline }

    /// Follows the audience and the view.
    /// - Parameter audience: what the stream's viewers in the region are sent, or will be when they are there.
    public mutating func update(
        audience: Bandwidth, in snapshot: PlacementSnapshot, settings: PlacementSettings, now: Duration
    ) -> [Directive] {
        let capacity = Double(snapshot.edges.meanCapacity.kilobits)
        let resized = size.update(
            audience: audience, unit: Bandwidth(kilobits: UInt64(max(capacity * settings.unit, 1))),
            smallest: settings.smallestEdgeSet, largest: snapshot.edges.count, delay: settings.shrinkDelay, now: now)
        guard resized || version != snapshot.view.version else { return [] }
        version = snapshot.view.version
        return choose(from: snapshot.edges, warmUp: settings.warmUp, now: now)
    }

    /// An edge is ready for viewers of the stream.
    public mutating func warmed(_ node: NodeID) {
        for index in entries.indices where entries[index].node == node { entries[index].warmUntil = nil }
    }

    /// The edges that viewers may be sent to: those that are warm, or had the time to be. Where none is, all: a viewer who
    /// waits for the first segment is better off than one who is refused.
    public func ready(now: Duration) -> [Int] {
        guard entries.contains(where: { !$0.isReady(now) }) else { return edges }
        let ready = zip(edges, entries).filter { $0.1.isReady(now) }.map(\.0)
        return ready.isEmpty ? edges : ready
    }

    /// The first edges of a stream need no warming: there is none to send viewers to meanwhile.
    private mutating func choose(from candidates: Candidates, warmUp: Duration, now: Duration) -> [Directive] {
        let before = entries
        edges = candidates.working(size.count, of: stream)
        entries = edges.map { index in
            let node = candidates.members[index].id
            let isNew = !before.isEmpty && !before.contains { $0.node == node }
            let known = before.first { $0.node == node }?.warmUntil
            return Entry(node: node, warmUntil: isNew ? now + warmUp : known)
        }
        guard !before.isEmpty else { return [] }
        return entries.filter { entry in !before.contains { $0.node == entry.node } }.map { .warm($0.node) }
    }

    private struct Entry {
        let node: NodeID
        var warmUntil: Duration?

        func isReady(_ now: Duration) -> Bool { warmUntil.map { now >= $0 } ?? true }
    }
}
