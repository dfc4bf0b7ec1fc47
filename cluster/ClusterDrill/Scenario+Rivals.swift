// SPDX-License-Identifier: Apache-2.0

import VirtualCluster

/// Terms that two want, and that nobody has.
extension Scenario {
    /// Two publishers of one name come to two origins in the same moment: one writer a term, one of them has the stream,
    /// and all that holds of a failover. With every second seed there is a Redis.
    static let rivals = Scenario(name: "rivals", nodes: 2, seeds: 100) { stage in
        let seed = stage.cluster.seed
        let world = FailoverWorld(seed: seed, variant: FailoverVariant(hasStore: seed.isMultiple(of: 2)))
        world.trace = stage.cluster.trace
        world.playRivals()
        stage.note(world)
    }

    /// A gateway that does not reach Redis, and hears nothing of the origin that has its term from there by now, writes no
    /// more than its lease allows.
    static let outclaimed = Scenario(name: "outclaimed", nodes: 2, seeds: 50) { stage in
        let world = FailoverWorld(seed: stage.cluster.seed, variant: FailoverVariant(hasStore: true))
        world.trace = stage.cluster.trace
        world.playOutclaimed()
        stage.note(world)
    }

    /// An origin that hears neither holder takes a term and dies when edges have promised it: they list on all the same.
    static let forsaken = Scenario(name: "forsaken", nodes: 2, seeds: 20) { stage in
        let world = FailoverWorld(seed: stage.cluster.seed)
        world.trace = stage.cluster.trace
        world.playForsaken()
        stage.note(world)
    }

    /// A gateway stands still twice in a moment, its publisher comes to another origin the second time, and what others said
    /// of its term in between waits for it: it goes on by nothing that is older than the last pause.
    static let pauses = Scenario(name: "pauses", nodes: 2, seeds: 100) { stage in
        var variant = FailoverVariant()
        variant.hasSlowAnswers = true
        let world = FailoverWorld(seed: stage.cluster.seed, variant: variant)
        world.trace = stage.cluster.trace
        world.playPauses()
        stage.note(world)
    }

    /// An origin takes a term and dies before it begins: the gateway, of which it heard nothing, takes one above that.
    static let forlorn = Scenario(name: "forlorn", nodes: 2, seeds: 50) { stage in
        let world = FailoverWorld(seed: stage.cluster.seed)
        world.trace = stage.cluster.trace
        world.playForlorn()
        stage.note(world)
    }
}
