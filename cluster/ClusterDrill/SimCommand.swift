// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Dispatch
import Gossip
import Synchronization
import VirtualCluster

/// `millrace-drill sim`: the real gossip core in virtual time, by seed.
struct SimCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sim",
        abstract: "Run scenarios in virtual time: many seeds of all in a few minutes, or one seed event by event.")

    @Option(help: "One scenario, or all.")
    var scenario = "all"

    @Option(help: "How many seeds of each scenario; each has its own default, together over 2700.")
    var seeds: Int?

    @Option(help: "The first seed; 1, and those that once failed, where neither this nor --seeds is said.")
    var seed: UInt64?

    @Option(help: "How many nodes; each scenario has its own default.")
    var nodes: Int?

    @Option(help: "How many datagrams are lost, 0 to 1.")
    var loss: Double?

    @Option(help: "The profile of the region's pool: edge, fast, lan, wan or test.")
    var profile = "edge"

    @Option(help: "How much log10 of the number of members counts at most in the time that a suspect has.")
    var magnitude: Double?

    @Flag(help: "Print every event.")
    var trace = false

    func validate() throws {
        guard scenario == "all" || Scenario.named(scenario) != nil else {
            throw ValidationError("scenarios: \(Scenario.names) all")
        }
        guard GossipSettings.named(profile) != nil else { throw ValidationError("profiles: edge fast lan wan test") }
        guard (0...1).contains(loss ?? 0) else { throw ValidationError("--loss is 0 to 1") }
        guard nodes ?? 2 >= 2, seeds ?? 1 >= 1 else { throw ValidationError("at least 2 nodes and 1 seed") }
    }

    func run() throws {
        var isWell = true
        for scenario in Scenario.all where self.scenario == "all" || self.scenario == scenario.name {
            var summary = ScenarioSummary(scenario: scenario.name)
            for (options, outcome) in play(scenario) {
                summary.add(outcome)
                for problem in outcome.problems {
                    print("FAILED \(scenario.name) seed \(options.seed): \(problem)")
                }
                if !outcome.problems.isEmpty { print("    replay: \(options.command(for: scenario))") }
            }
            print(summary)
            isWell = isWell && summary.failures == 0
        }
        if !isWell { throw ExitCode.failure }
    }

    /// Plays a scenario's seeds on all cores, or one behind the other where every event is to be read.
    private func play(_ scenario: Scenario) -> [(options: ScenarioOptions, outcome: ScenarioOutcome)] {
        let first = seed ?? 1
        let known = seed == nil && seeds == nil ? scenario.regressions : []
        let runs = (Array(first..<first + UInt64(seeds ?? scenario.seeds)) + known).map { seed in
            ScenarioOptions(
                seed: seed, nodes: nodes ?? scenario.nodes, loss: loss, profile: profile, magnitude: magnitude,
                traces: trace)
        }
        guard !trace else { return runs.map { ($0, scenario.play($0)) } }
        let outcomes = Mutex([ScenarioOutcome?](repeating: nil, count: runs.count))
        DispatchQueue.concurrentPerform(iterations: runs.count) { number in
            let outcome = scenario.play(runs[number])
            outcomes.withLock { $0[number] = outcome }
        }
        return zip(runs, outcomes.withLock { $0 }).compactMap { run, outcome in outcome.map { (run, $0) } }
    }
}
