// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Gossip
public import Identity
import Placement

/// Who has one stream from whom, when every node looks for parents in its own view and is admitted, or not, by the views
/// of those it asks. The real relay does the same over connections.
public struct RelayTree: Sendable {
    private struct Branch: Sendable {
        var snapshot: PlacementSnapshot
        var parent: Int?
    }

    /// The stream.
    public let stream: StreamID
    /// What was not as it must be (I9).
    public private(set) var problems: [String] = []
    /// How many subscriptions were admitted.
    public private(set) var admitted = 0
    private var branches: [Int: Branch] = [:]

    /// A tree without branches.
    public init(of stream: StreamID) { self.stream = stream }

    /// The nodes that have the stream from another.
    public var subscribers: Int { branches.values.count { $0.parent != nil } }

    /// Lets every node that runs follow its view: subscriptions of dead parents end, and whoever has none, or sees another
    /// tree, looks for one.
    public mutating func grow(in cluster: borrowing SimulatedCluster) {
        let running = Set(cluster.running.filter { cluster.nodes[$0].state == .up })
        branches = branches.filter { running.contains($0.key) }
        for node in running.sorted() {
            let changed = follow(node, in: cluster)
            if let parent = branches[node]?.parent, !running.contains(parent) || !cluster.reaches(node, parent) {
                branches[node]?.parent = nil
            }
            if changed { review(node, in: cluster) }
            if branches[node]?.parent == nil { subscribe(node, in: cluster) }
            check(node, at: cluster.now)
        }
    }

    /// Whether the node's view is another than when it was last looked at.
    private mutating func follow(_ node: Int, in cluster: borrowing SimulatedCluster) -> Bool {
        guard branches[node]?.snapshot.view.version != cluster.nodes[node].core.viewVersion else { return false }
        let snapshot = PlacementSnapshot(cluster.nodes[node].core.view)
        branches[node] = Branch(snapshot: snapshot, parent: branches[node]?.parent)
        return true
    }

    /// A node whose view changed asks its parent again, and its children ask it.
    private mutating func review(_ node: Int, in cluster: borrowing SimulatedCluster) {
        for child in branches.keys.sorted() where child == node || branches[child]?.parent == node {
            guard let parent = branches[child]?.parent else { continue }
            if admission(of: child, at: parent, redirects: Self.redirects, in: cluster) != .accept {
                branches[child]?.parent = nil
            }
        }
    }

    private mutating func subscribe(_ node: Int, in cluster: borrowing SimulatedCluster) {
        guard let snapshot = branches[node]?.snapshot, let entry = snapshot.view.streams[stream] else { return }
        let id = cluster.nodes[node].description.id
        for parent in snapshot.parents(of: id, for: entry, edgeCount: snapshot.edges.count) {
            var asked = cluster.number(of: parent.node)
            for redirects in 0...Self.redirects {
                guard let at = asked, branches[at] != nil, cluster.reaches(node, at) else { break }
                switch admission(of: node, at: at, redirects: redirects, in: cluster) {
                case .accept:
                    branches[node]?.parent = at
                    admitted += 1
                    return
                case .redirect(let upstream, _): asked = cluster.number(of: upstream.node)
                case .refuseCircle, .refuseDistance, nil: asked = nil
                }
            }
        }
    }

    private func admission(
        of child: Int, at parent: Int, redirects: Int, in cluster: borrowing SimulatedCluster
    ) -> SubscriptionAdmission? {
        guard let asking = branches[child]?.snapshot, let asked = branches[parent]?.snapshot,
            let known = asking.view.streams[stream], let entry = asked.view.streams[stream]
        else { return nil }
        let id = cluster.nodes[child].description.id
        let request = SubscriptionRequest(
            node: id, region: asking.region, level: asking.level(of: id, for: known),
            via: longestWayDown(from: child).map { RankingKey(cluster.nodes[$0].description.id).tag },
            redirects: redirects)
        let others = branches.count { $0.value.parent == parent && $0.key != child }
        return asked.admit(request, for: entry, subscribers: others)
    }

    /// The nodes between a node and its farthest subscriber, itself last.
    private func longestWayDown(from node: Int) -> [Int] {
        var longest: [Int] = []
        for child in branches.keys.sorted() where branches[child]?.parent == node {
            let way = longestWayDown(from: child)
            if way.count > longest.count { longest = way }
        }
        return longest + [node]
    }

    /// I9: no circle, and at most four hops.
    private mutating func check(_ node: Int, at time: Duration) {
        var (at, hops) = (node, 0)
        while let parent = branches[at]?.parent, hops <= Self.deepest {
            (at, hops) = (parent, hops + 1)
        }
        if hops > Self.deepest, problems.count < 5 {
            problems.append("I9 tree at \(time): over \(Self.deepest) hops above node \(node)")
        }
    }

    private static let redirects = 3
    private static let deepest = 4
}
