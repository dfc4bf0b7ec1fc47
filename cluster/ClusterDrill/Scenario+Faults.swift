// SPDX-License-Identifier: Apache-2.0

import Gossip
import TestKit
import VirtualCluster

/// Links that fail and nodes that stall.
extension Scenario {
    /// The cluster is parted for 30 s into halves, and healed.
    static let partition = Scenario(name: "partition", nodes: 50, seeds: 30) { stage in
        let half = stage.count / 2
        stage.cluster.record.excusesAll = true
        stage.cluster.cut(from: Array(0..<half), to: Array(half..<stage.count))
        stage.cluster.run(for: .seconds(30))
        let lefts = stage.cluster.nodes[..<half].map(\.core.region.liveCount)
        if lefts != Array(repeating: half, count: half) { stage.problems.append("a half sees \(lefts) alive") }
        stage.cluster.heal()
        stage.expect("all know all", within: .seconds(15)) { $0.isWhole }
        stage.rest()
    }

    /// Three parts, cut off for longer than news are told to the dead, and healed: only the recalls bring them together.
    static let heal = Scenario(name: "heal", nodes: 30, seeds: 30, loss: 0.1) { stage in
        stage.cluster.record.excusesAll = true
        stage.cluster.cut(from: Array(0..<10), to: Array(10..<20))
        stage.cluster.cutOffTheRest()
        stage.cluster.run(for: .seconds(60))
        stage.cluster.heal()
        stage.expect("all know all", within: .seconds(15)) { $0.isWhole }
        stage.rest()
    }

    /// One node is heard by nobody, but hears; for a while, and then for good.
    static let oneWay = Scenario(name: "one-way", nodes: 30, seeds: 40) { stage in
        let victims = stage.choose(1)
        let others = (0..<stage.count).filter { !victims.contains($0) }
        stage.cluster.record.excused = Set(victims)
        stage.cluster.cut(from: victims, to: others, bothWays: false)
        stage.cluster.run(for: .seconds(40))
        stage.cluster.heal()
        stage.expect("all know all", within: .seconds(15)) { $0.isWhole }
        stage.rest()
    }

    /// A node's link comes and goes with a period of 3 s, on for half of it, for a minute.
    static let flapping = Scenario(name: "flapping", nodes: 30, seeds: 30) { stage in
        let victims = stage.choose(2)
        let others = (0..<stage.count).filter { !victims.contains($0) }
        stage.cluster.record.excused = Set(victims)
        for _ in 0..<20 {
            stage.cluster.cut(from: victims, to: others)
            stage.cluster.run(for: .milliseconds(1500))
            stage.cluster.heal()
            stage.cluster.run(for: .milliseconds(1500))
        }
        stage.expect("all know all", within: .seconds(15)) { $0.isWhole }
        stage.rest()
    }

    /// A tenth of all nodes stand still for 15 s, then stall shortly again and again. Expired timers fire before what
    /// waited in their sockets is read. No node that ran all the time may be called dead.
    static let freeze = Scenario(name: "freeze", nodes: 50, seeds: 30) { stage in
        let victims = stage.choose(max(1, stage.count / 10))
        stage.cluster.record.excused = []
        stage.cluster.record.excusedSubjects = Set(victims)
        for node in victims { stage.cluster.freeze(node) }
        stage.cluster.run(for: .seconds(15))
        for node in victims { stage.cluster.thaw(node) }
        for turn in 0..<20 {
            stage.cluster.run(for: .milliseconds(700))
            for node in victims { stage.cluster.freeze(node) }
            stage.cluster.run(for: .milliseconds(300 + 150 * (turn % 4)))
            for node in victims { stage.cluster.thaw(node) }
        }
        stage.expect("all know all", within: .seconds(15)) { $0.isWhole }
        stage.rest()
    }

    /// A tenth of all nodes stall for 0.3 to 0.75 s again and again, and a tenth of all datagrams is lost. Nobody may be
    /// called dead.
    static let stalls = Scenario(name: "stalls", nodes: 50, seeds: 20, loss: 0.1) { stage in
        for turn in 0..<40 {
            let victims = stage.choose(max(1, stage.count / 10))
            for node in victims { stage.cluster.freeze(node) }
            stage.cluster.run(for: .milliseconds(300 + 150 * (turn % 4)))
            for node in victims { stage.cluster.thaw(node) }
            stage.cluster.run(for: .milliseconds(700))
        }
        stage.rest()
    }

    /// Machines are suspended, and their monotonic clocks with them.
    static let clockPause = Scenario(name: "clock-pause", nodes: 30, seeds: 30) { stage in
        for pause in [1, 3, 10, 30] {
            let victims = stage.choose(2)
            stage.cluster.record.excusedSubjects = Set(victims)
            for node in victims { stage.cluster.freeze(node) }
            stage.cluster.run(for: .seconds(pause))
            for node in victims { stage.cluster.thaw(node, clockStoodFor: .seconds(pause)) }
            stage.expect("all know all", within: .seconds(15)) { $0.isWhole }
        }
        stage.rest()
    }

    /// Links lose in bursts, reorder, double and are slow.
    static let badLinks = Scenario(name: "bad-links", nodes: 30, seeds: 30) { stage in
        var link = LinkSettings()
        link.jitter = .milliseconds(20)
        link.burstBegin = 0.02
        link.duplication = 0.05
        link.reordering = 0.1
        link.rate = 50_000
        for node in 0..<stage.count { stage.cluster.setLink(link, of: node) }
        stage.cluster.run(for: .seconds(60))
        for node in stage.choose(1) { stage.cluster.crash(node) }
        stage.expect("the death is known", within: .seconds(30)) { $0.deathsAreKnown }
        stage.rest()
    }
}
