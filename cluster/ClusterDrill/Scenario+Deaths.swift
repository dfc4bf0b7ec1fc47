// SPDX-License-Identifier: Apache-2.0

import Gossip
import TestKit
import VirtualCluster

/// Nodes that come, die and go.
extension Scenario {
    /// All nodes start at once; that is all.
    static let join = Scenario(name: "join", nodes: 50, seeds: 40) { stage in
        stage.rest()
    }

    /// Nothing happens, for a minute.
    static let idle = Scenario(name: "idle", nodes: 50, seeds: 10) { stage in
        stage.cluster.run(for: .seconds(60))
        stage.idle(for: .seconds(60))
        stage.rest(.seconds(1))
    }

    /// One dies.
    static let crash = Scenario(name: "crash", nodes: 50, seeds: 60) { stage in
        // News of so many joining take a while to be told; the death is to be the only news.
        stage.cluster.run(for: .milliseconds(40 * stage.count + Int(stage.cluster.seed % 500)))
        for node in stage.choose(1) { stage.cluster.crash(node) }
        stage.expect("the death is known", within: .seconds(30)) { $0.deathsAreKnown }
        stage.rest()
    }

    /// 30 % die at once.
    static let massCrash = Scenario(name: "mass-crash", nodes: 50, seeds: 40) { stage in
        for node in stage.choose(stage.count * 3 / 10) { stage.cluster.crash(node) }
        stage.expect("the deaths are known", within: .seconds(60)) { $0.deathsAreKnown }
        stage.rest()
    }

    /// Nodes say good-bye, one after the other.
    static let leave = Scenario(name: "leave", nodes: 50, seeds: 40) { stage in
        for node in stage.choose(5) {
            stage.cluster.leave(node)
            stage.cluster.run(for: .seconds(3))
        }
        stage.rest()
    }

    /// None to two fifths of all datagrams are lost, as was said or by seed, and one dies. Up to 30 % nobody else is called dead; at 40 %
    /// the handshakes of TCP take too long now and then.
    static let loss = Scenario(name: "loss", nodes: 30, seeds: 50, loss: 0.1) { stage in
        let losses = [0, 0.1, 0.2, 0.25, 0.3, 0.4]
        let loss = stage.loss ?? losses[Int(stage.cluster.seed % 6)]
        for node in 0..<stage.count { stage.cluster.setLink(.losing(loss), of: node) }
        stage.falseDeathsAllowed = loss > 0.3 ? 1 : 0
        stage.cluster.run(for: .seconds(60))
        for node in stage.choose(1) { stage.cluster.crash(node) }
        stage.expect("the death is known", within: .seconds(60)) { $0.deathsAreKnown }
        stage.rest()
    }

    /// Every second one dies, and one that died comes back.
    static let churn = Scenario(name: "churn", nodes: 40, seeds: 30) { stage in
        var down: [Int] = []
        for _ in 0..<30 {
            for node in stage.choose(1) where !down.contains(node) {
                stage.cluster.crash(node)
                down.append(node)
            }
            stage.cluster.run(for: .seconds(1))
            if down.count > 5 { stage.cluster.start(down.removeFirst()) }
        }
        for node in down { stage.cluster.start(node) }
        stage.rest()
    }

    /// All are restarted, one after the other, as an upgrade does it; each is back after half a second.
    static let rollingRestart = Scenario(name: "rolling-restart", nodes: 30, seeds: 30) { stage in
        for node in 0..<stage.count {
            if node.isMultiple(of: 2) {
                stage.cluster.leave(node)
                stage.expect("it has left", within: .seconds(5)) { $0.nodes[node].state == .down }
            } else {
                stage.cluster.crash(node)
            }
            stage.cluster.run(for: .milliseconds(500))
            stage.cluster.start(node)
            stage.cluster.run(for: .seconds(1))
        }
        stage.rest()
    }
}
