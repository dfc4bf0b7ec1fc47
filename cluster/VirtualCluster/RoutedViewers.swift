// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import Placement
import TestKit

/// Viewers of one stream, sent to edges by every router of a cluster from its own view, as the role does it: a new view is
/// followed within 100 ms, sets of edges are looked at once a second.
public struct RoutedViewers: Sendable {
    private struct Desk: Sendable {
        var snapshot: PlacementSnapshot
        var loads = EdgeLoads()
        var set: EdgeSet
        var learned: [NodeID: Duration] = [:]
        var ticked: Duration = .zero
    }

    /// What was not as it must be (I10).
    public private(set) var problems: [String] = []
    /// How many viewers were given an edge.
    public private(set) var routed = 0
    private let key: RankingKey
    private let settings = PlacementSettings()
    private var desks: [Int: Desk] = [:]
    private var random: SeededRandom

    /// Viewers of a stream, whose sessions are made of the seed.
    public init(of tree: RelayTree, seed: UInt64) {
        key = RankingKey(tree.stream)
        random = SeededRandom(seed: seed)
    }

    /// One viewer comes to every router that runs.
    public mutating func come(to cluster: borrowing SimulatedCluster) {
        for node in cluster.nodes.indices where cluster.nodes[node].description.roles.contains(.router) {
            guard cluster.nodes[node].state == .up else {
                desks[node] = nil
                continue
            }
            var desk = desks[node] ?? opened(node, in: cluster)
            follow(cluster.nodes[node].core, with: &desk, now: cluster.now)
            route(at: &desk, now: cluster.now)
            desks[node] = desk
        }
    }

    private func opened(_ node: Int, in cluster: borrowing SimulatedCluster) -> Desk {
        let snapshot = PlacementSnapshot(cluster.nodes[node].core.view)
        var desk = Desk(snapshot: snapshot, loads: EdgeLoads(settings: settings), set: EdgeSet(stream: key))
        desk.loads.follow(snapshot.edges)
        return desk
    }

    private func follow(_ core: ClusterCore, with desk: inout Desk, now: Duration) {
        if desk.snapshot.view.version != core.viewVersion {
            desk.snapshot = PlacementSnapshot(core.view)
            desk.loads.follow(desk.snapshot.edges)
        }
        guard now - desk.ticked >= .seconds(1) else { return }
        desk.ticked = now
        _ = desk.set.update(
            audience: desk.loads.audience(of: key), use: desk.loads.use, in: desk.snapshot, settings: settings, now: now
        )
    }

    private mutating func route(at desk: inout Desk, now: Duration) {
        for member in desk.snapshot.view.members {
            let isGone = member.health > .suspect || member.description.isDraining
            desk.learned[member.id] = isGone ? desk.learned[member.id] ?? now : nil
        }
        _ = desk.set.update(
            audience: max(desk.loads.audience(of: key), settings.viewerBandwidth), use: desk.loads.use,
            in: desk.snapshot, settings: settings, now: now)
        let edges = desk.snapshot.edges
        let session = ViewerID.random(using: &random)
        guard edges.count > 0,
            let place = desk.loads.place(session, of: key, in: desk.set.ready(now: now), of: edges)
        else { return }
        desk.loads.assign(key, to: place.first, now: now)
        routed += 1
        for index in [place.first, place.second].compactMap({ $0 }) {
            check(edges.members[index].id, since: desk.learned[edges.members[index].id], by: desk, now: now)
        }
    }

    /// I10: no viewer is sent to an edge that has been known to drain or to be dead for over a second.
    private mutating func check(_ edge: NodeID, since learned: Duration?, by desk: Desk, now: Duration) {
        guard let learned, now - learned > .seconds(1), problems.count < 5 else { return }
        problems.append(
            "I10 routing at \(now): \(desk.snapshot.view.node) sends a viewer to \(edge), gone since \(learned)")
    }
}
