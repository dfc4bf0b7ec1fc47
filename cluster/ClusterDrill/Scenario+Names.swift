// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import TestKit
import VirtualCluster

/// Names, regions and the directory.
extension Scenario {
    /// All, in the order in which they are run.
    static let all = [
        join, idle, leave, crash, massCrash, loss, badLinks, churn, rollingRestart, partition, heal, oneWay, flapping,
        freeze, stalls, clockPause, nameConflict, moved, ambassadors, relayTree, failover, outages,
        rivals, forlorn, forsaken, outclaimed, pauses,
    ]

    /// A node starts under the name of one that lives. The established one stays, and the newcomer is told; when the
    /// established one dies, the newcomer has the name.
    static let nameConflict = Scenario(name: "name-conflict", nodes: 20, seeds: 20) { stage in
        let established = 5
        let newcomer = 12
        stage.cluster.leave(newcomer)
        stage.cluster.run(for: .seconds(5))
        stage.cluster.rename(newcomer, as: established)
        stage.cluster.start(newcomer)
        stage.cluster.run(for: .seconds(20))
        let told = stage.cluster.reports.contains { $0.node == newcomer && $0.report.isNameTaken }
        if !told { stage.problems.append("the newcomer was not told") }
        let address = stage.cluster.nodes[established].description.gossip
        for node in stage.cluster.running where node != newcomer {
            let member = stage.cluster.nodes[node].core.region.member(stage.cluster.nodes[established].description.id)
            if member?.description.gossip != address { stage.problems.append("n\(node) believes the newcomer") }
        }
        stage.cluster.crash(established)
        stage.expect("the newcomer has the name", within: .seconds(40)) { cluster in
            cluster.holds(cluster.nodes[newcomer].description)
        }
        stage.problems += stage.cluster.violations
    }

    /// A node dies and is back at once under its name at another address, as a pod is.
    static let moved = Scenario(name: "moved", nodes: 20, seeds: 20) { stage in
        let old = 5
        let new = 12
        stage.cluster.leave(new)
        stage.cluster.run(for: .seconds(5))
        stage.cluster.rename(new, as: old)
        stage.cluster.crash(old)
        stage.cluster.start(new)
        stage.expect("the name is at the new address", within: .seconds(40)) { cluster in
            cluster.holds(cluster.nodes[new].description)
        }
        stage.problems += stage.cluster.violations
    }

    /// Two regions learn of each other's streams and summaries through their ambassadors, who are replaced when they die.
    static let ambassadors = Scenario(name: "ambassadors", nodes: 20, seeds: 20, regions: 2) { stage in
        stage.expect("the regions know each other", within: .seconds(60)) { $0.regionsAreKnown }
        stage.publish(number: 1, at: 8)
        stage.expect("the stream is known", within: .seconds(15)) { $0.streamsAreKnown(1) }
        for node in stage.cluster.ambassadors(ofRegion: 0).prefix(2) { stage.cluster.crash(node) }
        stage.expect("the deaths are known", within: .seconds(30)) { $0.deathsAreKnown }
        stage.expect("others are ambassadors", within: .seconds(15)) { cluster in
            !cluster.ambassadors(ofRegion: 0).isEmpty
        }
        stage.publish(number: 2, at: 9)
        stage.expect("the second stream is known", within: .seconds(60)) { $0.streamsAreKnown(2) }
        for node in stage.cluster.nodes.indices where stage.cluster.nodes[node].state == .down {
            stage.cluster.start(node)
        }
        stage.rest(.seconds(60))
    }
}

extension Stage {
    /// Publishes a stream from a node.
    fileprivate mutating func publish(number: Int, at node: Int) {
        let description = cluster.nodes[node].description
        guard let stream = try? StreamID(parsing: "live/s\(number)") else { return }
        let entry = StreamEntry(
            stream: stream, term: Term(number: UInt64(number), salt: 7), gateway: description.id,
            region: description.region, state: .live, publisher: 0)
        cluster.publish(entry, at: node)
    }
}

extension SimulatedCluster {
    /// Whether all others that run know this node at its address, and it knows them.
    fileprivate func holds(_ description: NodeDescription) -> Bool {
        running.allSatisfy { node in
            let core = nodes[node].core
            let member = core.region.member(description.id)
            return member?.description.gossip == description.gossip && member?.health == .alive
                && core.region.liveCount == running.count
        }
    }

    var regionsAreKnown: Bool { running.allSatisfy { nodes[$0].core.view.regions.count == 1 } }

    fileprivate func streamsAreKnown(_ count: Int) -> Bool {
        running.allSatisfy { nodes[$0].core.directory.entries.count == count }
    }

    fileprivate func ambassadors(ofRegion region: Int) -> [Int] {
        running.filter { $0 % plan.regions == region && nodes[$0].core.isAmbassador }
    }
}

extension GossipReport {
    fileprivate var isNameTaken: Bool {
        if case .nameTaken = self { true } else { false }
    }
}
