// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import Placement

/// What must be true of who is chosen for what, by every node from its own view.
extension Invariant {
    /// I8: equal views make equal choices.
    static let agreement = {
        var invariant = Invariant("I8 agreement")
        invariant.atRest = { cluster in
            var chosen: [Region: (by: NodeID, view: UInt64, choices: [[NodeID]])] = [:]
            return cluster.running.filter { cluster.nodes[$0].state == .up && cluster.isInRegion($0, of: $0) }
                .compactMap { node in
                    let core = cluster.nodes[node].core
                    let own = core.region.own
                    let choices = PlacementSnapshot(core.view).choices()
                    guard let other = chosen[own.description.region] else {
                        chosen[own.description.region] = (own.id, core.region.digest, choices)
                        return nil
                    }
                    guard other.view == core.region.digest, other.choices != choices else { return nil }
                    return "\(own.id) and \(other.by) choose differently from equal views"
                }
        }
        return invariant
    }()

    /// I8: without one edge no stream moves but its own, and those are at most 1.5 times its share. Joining is the same
    /// backwards.
    static let movement = {
        var invariant = Invariant("I8 movement")
        invariant.atRest = { cluster in
            guard let node = cluster.running.first(where: { cluster.nodes[$0].state == .up }) else { return [] }
            let view = cluster.nodes[node].core.view
            let before = PlacementSnapshot(view)
            guard before.edges.count > 2 else { return [] }
            let lost = before.edges.members[before.edges.count / 2].id
            let after = Candidates(
                before.edges.members.filter { $0.id != lost }, in: before.region, with: .edge)
            let keys = Self.keysPerEdge * before.edges.count
            var moved = 0
            for number in 0..<UInt64(keys) {
                let key = RankingKey(number: number &* 0x9E37_79B9_7F4A_7C15)
                let old = before.edges.first(1, of: key).map { before.edges.members[$0].id }
                let new = after.first(1, of: key).map { after.members[$0].id }
                guard old != new else { continue }
                moved += 1
                if old != [lost] { return ["without \(lost) a stream moves from \(old) to \(new)"] }
            }
            let limit = Self.keysPerEdge * 3 / 2
            return moved > limit ? ["without \(lost) \(moved) of \(keys) streams move, over \(limit)"] : []
        }
        return invariant
    }()

    /// So many streams for each edge that chance alone does not make half as many again of one share.
    private static let keysPerEdge = 100
}

extension PlacementSnapshot {
    /// Whom it chooses for some streams: edges, an origin and a standby.
    fileprivate func choices() -> [[NodeID]] {
        (0..<8).compactMap { try? StreamID(parsing: "live/choice-\($0)") }.map { stream in
            let key = RankingKey(stream)
            let origins = self.origins.ranking(of: key).map { self.origins.members[$0].id }
            let standby = origins.first.flatMap { self.standby(of: stream, gateway: $0, packaging: 1) }
            return edges.working(3, of: key).map { edges.members[$0].id } + origins + [standby].compactMap { $0 }
        }
    }
}
