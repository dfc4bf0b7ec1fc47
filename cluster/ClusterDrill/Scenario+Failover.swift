// SPDX-License-Identifier: Apache-2.0

import VirtualCluster

/// A stream whose gateways die.
extension Scenario {
    /// Gateways, standbys and edges die, stand still and are cut off, and all at once; the publisher comes back wherever it
    /// can. One writer a term, no playlist goes back or skips a number without a gap, no name has two contents, nothing
    /// listed is missing, everybody recovers.
    static let failover = Scenario(
        name: "failover", nodes: 2, seeds: 1000, regressions: [1019, 2156, 2406, 2931, 6049, 10264, 10733, 20238]
    ) { stage in
        let world = FailoverWorld(seed: stage.cluster.seed)
        world.trace = stage.cluster.trace
        world.play()
        stage.note(world)
    }

    /// Machines also fall silent, ways are cut in one direction, clocks differ and jump, nodes drain and come back with
    /// another version. By thirds of the seeds terms are claimed by gossip alone, from a Redis that dies, forgets and is out
    /// of reach, or from a quorum. What one failure alone may not do is checked first; then several come together. Besides
    /// what holds of `failover`, the store's grants never fall, a gateway that is fenced or outdone goes on no further, and
    /// a term has as many promises as it needs.
    static let outages = Scenario(name: "outages", nodes: 2, seeds: 1000) { stage in
        let world = FailoverWorld(seed: stage.cluster.seed, variant: .drawn(by: stage.cluster.seed))
        world.trace = stage.cluster.trace
        world.playOutages()
        stage.note(world)
    }
}

extension Stage {
    /// Takes over what came of a stream.
    mutating func note(_ world: FailoverWorld) {
        problems += world.problems
        figures += world.pauses
        contents = world.hash
        if world.terms == 0 || world.playlists == 0 { problems.append("nothing happened") }
    }
}
