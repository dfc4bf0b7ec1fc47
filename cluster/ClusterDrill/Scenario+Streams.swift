// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import TestKit
import VirtualCluster

/// A stream, its relay tree and its viewers, while nodes come and go.
extension Scenario {
    /// Two regions with shields. Edges, shields, the standby die, drain, stall and are cut off; all the time viewers come
    /// to all routers. When all is mended, everybody has the stream again.
    static let relayTree = Scenario(name: "relay-tree", nodes: 32, seeds: 20, loss: 0.02, regions: 2) { stage in
        stage.expect("the regions know each other", within: .seconds(60)) { $0.regionsAreKnown }
        for node in 6..<10 { stage.cluster.describe(node) { $0.roles = [.edge, .shield] } }
        guard let entry = stage.entry(gateway: 0, standby: 2) else { return }
        stage.cluster.publish(entry, at: 0)
        var play = StreamPlay(of: entry.stream, seed: stage.cluster.seed)
        play.run(&stage, for: .seconds(10))
        for fault in StreamFault.allCases.shuffled(using: &play.random) {
            stage.suffer(fault)
            play.run(&stage, for: .seconds(15))
        }
        stage.mend()
        play.run(&stage, for: .seconds(30))
        let expected = stage.count - 2
        if play.tree.subscribers != expected {
            stage.problems.append("\(play.tree.subscribers) of \(expected) nodes have the stream")
        }
        stage.problems += play.tree.problems + play.viewers.problems
        if play.viewers.routed == 0 { stage.problems.append("no viewer was given an edge") }
        stage.rest()
    }
}

/// What happens to nodes under a stream.
private enum StreamFault: CaseIterable {
    case shieldDies, edgesDie, edgesDrain, regionsParted, edgeStalls, standbyDies
}

/// A stream's tree and viewers, looked at every 100 ms.
private struct StreamPlay {
    var tree: RelayTree
    var viewers: RoutedViewers
    var random: SeededRandom

    init(of stream: StreamID, seed: UInt64) {
        tree = RelayTree(of: stream)
        viewers = RoutedViewers(of: tree, seed: seed)
        random = SeededRandom(seed: ~seed)
    }

    mutating func run(_ stage: inout Stage, for duration: Duration) {
        let end = stage.cluster.now + duration
        while stage.cluster.now < end {
            stage.cluster.run(for: .milliseconds(100))
            tree.grow(in: stage.cluster)
            viewers.come(to: stage.cluster)
        }
    }
}

extension Stage {
    fileprivate func entry(gateway: Int, standby: Int) -> StreamEntry? {
        guard let stream = try? StreamID(parsing: "live/tree") else { return nil }
        return StreamEntry(
            stream: stream, term: Term(number: 1, salt: 7), gateway: cluster.nodes[gateway].description.id,
            standby: cluster.nodes[standby].description.id, region: cluster.nodes[gateway].description.region,
            state: .live, publisher: 0)
    }

    fileprivate mutating func suffer(_ fault: StreamFault) {
        switch fault {
        case .shieldDies: crash([7])
        case .edgesDie: crash(choose(4, but: 10))
        case .edgesDrain: for node in choose(3, but: 10) { drain(node) }
        case .regionsParted:
            cluster.record.excusesAll = true
            let all = 0..<count
            cluster.cut(from: all.filter { $0 % 2 == 0 }, to: all.filter { $0 % 2 == 1 })
            cluster.run(for: .seconds(5))
            cluster.heal()
        case .edgeStalls:
            guard let node = choose(1, but: 10).first, cluster.nodes[node].state == .up else { return }
            cluster.freeze(node)
            cluster.run(for: .seconds(3))
            cluster.thaw(node)
        case .standbyDies: crash([2])
        }
    }

    fileprivate mutating func mend() {
        for node in 0..<count {
            if cluster.nodes[node].state == .down { cluster.start(node) }
            cluster.describe(node) { $0.isDraining = false }
        }
    }

    private mutating func crash(_ nodes: [Int]) {
        for node in nodes where cluster.nodes[node].state == .up { cluster.crash(node) }
    }

    private mutating func drain(_ node: Int) {
        if cluster.nodes[node].state == .up { cluster.describe(node) { $0.isDraining = true } }
    }
}
