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
        stage.problems += world.problems
        stage.figures += world.pauses
        stage.contents = world.hash
        if world.terms == 0 || world.playlists == 0 { stage.problems.append("nothing happened") }
    }
}
