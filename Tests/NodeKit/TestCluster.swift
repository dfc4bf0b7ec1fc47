// SPDX-License-Identifier: Apache-2.0

import Cluster
package import Node
import TestKit

/// Some nodes of one cluster in this process, on loopback, with fast clocks.
package struct TestCluster: Sendable {
    /// The nodes, the first the one that the others join by.
    package let nodes: [TestNode]

    /// The key of every node that is not told another.
    package static let key = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

    /// Runs `body` with `count` nodes that know one another, and stops them.
    /// - Parameter change: what is set otherwise, by the node's number.
    package static func run(
        _ count: Int, _ change: (Int, inout NodeSettings) -> Void = { _, _ in },
        _ body: (TestCluster) async throws -> Void
    ) async throws {
        var nodes: [TestNode] = []
        do {
            for number in 0..<count {
                let seed = nodes.first?.assembly.gossipPort
                nodes.append(
                    try await TestNode.start {
                        join(&$0, "n\(number)", seed: seed)
                        change(number, &$0)
                    })
            }
            let cluster = TestCluster(nodes: nodes)
            try await eventually("all know all") {
                cluster.nodes.allSatisfy { $0.metric("millrace_cluster_members", "\"alive\"") == count }
            }
            try await body(cluster)
        } catch {
            for node in nodes { await node.stop() }
            throw error
        }
        for node in nodes { await node.stop() }
    }

    /// Makes settings those of a member.
    package static func join(_ settings: inout NodeSettings, _ name: String, seed: Int?) {
        settings.node.name = name
        settings.node.zone = "zone-\(name)"
        settings.node.advertise = "127.0.0.1"
        settings.cluster.key = SecretText(key)
        settings.cluster.profile = .test
        settings.cluster.gossip.host = "127.0.0.1"
        settings.cluster.gossip.port = 0
        settings.cluster.relay.host = "127.0.0.1"
        settings.cluster.relay.port = 0
        settings.cluster.seeds = seed.map { ["127.0.0.1:\($0)"] } ?? []
    }

    /// A node by its number.
    package subscript(number: Int) -> TestNode { nodes[number] }

    /// Does once what nodes do every second.
    package func keepHouse() { for node in nodes { node.running.keepHouse() } }
}
