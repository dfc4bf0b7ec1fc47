// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import TestKit
import VirtualCluster

/// A cluster in the hands of a scenario.
struct Stage {
    var cluster: SimulatedCluster
    /// How many datagrams are to be lost, if that was said.
    var loss: Double?
    var problems: [String] = []
    /// How many nodes that run may be called dead (I3).
    var falseDeathsAllowed = 0
    /// How long it took all nodes to know one another after they were started at once.
    var joining: Duration?
    /// How long the scenario's own steps took, such as healing.
    var figures: [Duration] = []

    /// The hash of all that was listed, where a stream was played.
    var contents: UInt64 = 0

    /// What an idle node sends, in bytes a second, headers and streams included.
    var idleBytes: Double?
    /// How much faster than real time idling was computed.
    var idleSpeed: Double?

    /// How many nodes there are.
    var count: Int { cluster.nodes.count }

    /// Starts all nodes and waits until they know one another.
    mutating func assemble() {
        cluster.record.excusesAll = true
        cluster.startAll()
        expect("all know all", within: .seconds(30)) { $0.isWhole }
        joining = figures.popLast()
        cluster.run(for: .seconds(2))
        cluster.record.excusesAll = false
    }

    /// Runs until something is so; a problem where it is not in time.
    mutating func expect(
        _ what: String, within limit: Duration, _ condition: (borrowing SimulatedCluster) -> Bool
    ) {
        if let took = cluster.run(until: condition, within: limit) {
            figures.append(took)
        } else {
            problems.append("not within \(limit): \(what)")
        }
    }

    /// Measures what nodes send while nothing happens.
    mutating func idle(for duration: Duration) {
        let before = cluster.bytesSent
        let begin = ProcessorTime.now
        cluster.run(for: duration)
        idleSpeed = duration / (ProcessorTime.now - begin)
        idleBytes = Double(cluster.bytesSent - before) / Double(count) / (duration / .seconds(1))
    }

    /// Some nodes at random, by number, not among the first `but`, who are seeds.
    mutating func choose(_ wanted: Int, but first: Int = 3) -> [Int] {
        var random = SeededRandom(seed: cluster.seed ^ UInt64(cluster.events))
        return Array((first..<count).shuffled(using: &random).prefix(wanted)).sorted()
    }

    /// Lets everything come to rest on good links, and checks all invariants: where datagrams are lost somebody is always
    /// just refuting. A rumour that did not reach somebody is mended by the next comparison of state, which is rarer among
    /// many.
    mutating func rest(_ duration: Duration = .seconds(30)) {
        for node in 0..<count { cluster.setLink(LinkSettings(), of: node) }
        cluster.run(for: max(duration, cluster.plan.settings.region.exchangeInterval(members: count)))
        cluster.checkAtRest()
        problems += cluster.violations
    }
}

extension SimulatedCluster {
    /// Whether all nodes that run believe just those of their region alive that run.
    var isWhole: Bool {
        var counts: [String: Int] = [:]
        for node in running { counts[nodes[node].description.region.description, default: 0] += 1 }
        return running.allSatisfy { node in
            nodes[node].core.region.liveCount == counts[nodes[node].description.region.description]
        }
    }

    /// What all nodes sent.
    fileprivate var bytesSent: Int { nodes.reduce(0) { $0 + $1.bytesSent + $1.streamBytesSent } }

    /// Whether all that died are known to be dead by all.
    var deathsAreKnown: Bool { record.entries.values.allSatisfy { $0.unaware.isEmpty } }
}
