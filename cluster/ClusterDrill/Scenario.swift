// SPDX-License-Identifier: Apache-2.0

import Gossip
import TestKit
import VirtualCluster

/// Something that happens to a cluster, and what must come of it.
struct Scenario: Sendable {
    let name: String
    /// How many nodes and seeds where nobody says.
    let nodes: Int
    let seeds: Int
    /// Seeds that once failed: played besides.
    var regressions: [UInt64] = []
    /// Loss where nobody says.
    var loss = 0.0
    var regions = 1
    /// What happens, once all nodes have found one another.
    let script: @Sendable (inout Stage) -> Void

    static var names: String { all.map { $0.name }.joined(separator: " ") }

    static func named(_ name: String) -> Scenario? { all.first { $0.name == name } }

    /// Runs it once.
    func play(_ options: ScenarioOptions) -> ScenarioOutcome {
        var plan = VirtualPlan(nodes: options.nodes, link: .losing(options.loss ?? loss))
        plan.regions = regions
        plan.settings.region = GossipSettings.named(options.profile) ?? .edge
        if let magnitude = options.magnitude { plan.settings.region.largestMagnitude = magnitude }
        var stage = Stage(cluster: SimulatedCluster(plan, seed: options.seed), loss: options.loss)
        if options.traces { stage.cluster.trace = { print($0) } }
        let begin = ProcessorTime.now
        stage.assemble()
        script(&stage)
        let took = ProcessorTime.now - begin
        if stage.cluster.record.falseDeaths > stage.falseDeathsAllowed {
            let details = stage.cluster.record.falseDeathDetails.joined(separator: ", ")
            stage.problems.append("I3 accuracy: \(stage.cluster.record.falseDeaths) false deaths: \(details)")
        }
        return ScenarioOutcome(stage: stage, took: took)
    }
}

/// What one run is to be.
struct ScenarioOptions: Sendable {
    let seed: UInt64
    let nodes: Int
    let loss: Double?
    let profile: String
    let magnitude: Double?
    let traces: Bool

    /// What replays it.
    func command(for scenario: Scenario) -> String {
        "millrace-drill sim --scenario \(scenario.name) --seed \(seed) --seeds 1 --nodes \(nodes)"
            + (loss.map { " --loss \($0)" } ?? "") + " --profile \(profile)"
            + (magnitude.map { " --magnitude \($0)" } ?? "") + " --trace"
    }
}

extension GossipSettings {
    /// The profile of a name.
    static func named(_ name: String) -> GossipSettings? {
        switch name {
        case "edge": .edge
        case "fast": .fast
        case "lan": .lan
        case "test": .test
        case "wan": .wan
        default: nil
        }
    }
}
