// SPDX-License-Identifier: Apache-2.0

import VirtualCluster

/// Terms that two want, and that nobody has.
extension Scenario {
    /// Two publishers of one name come to two origins in the same moment: one writer a term, one of them has the stream,
    /// and all that holds of a failover.
    static let rivals = Scenario(name: "rivals", nodes: 2, seeds: 100) { stage in
        let world = FailoverWorld(seed: stage.cluster.seed)
        world.trace = stage.cluster.trace
        world.playRivals()
        note(world, on: &stage)
    }

    /// An origin takes a term and dies before it begins: the gateway, of which it heard nothing, takes one above that.
    static let forlorn = Scenario(name: "forlorn", nodes: 2, seeds: 50) { stage in
        let world = FailoverWorld(seed: stage.cluster.seed)
        world.trace = stage.cluster.trace
        world.playForlorn()
        note(world, on: &stage)
    }

    private static func note(_ world: FailoverWorld, on stage: inout Stage) {
        stage.problems += world.problems
        stage.figures += world.pauses
        stage.contents = world.hash
        if world.terms == 0 || world.playlists == 0 { stage.problems.append("nothing happened") }
    }
}
