// SPDX-License-Identifier: Apache-2.0

import VirtualCluster

/// What came of one run.
struct ScenarioOutcome {
    let events: Int
    let hash: UInt64
    let took: Duration
    /// For each death, how long until all suspected it, and until all knew it.
    let suspected: [Duration]
    let known: [Duration]
    let joining: Duration?
    let idleBytes: Double?
    let idleSpeed: Double?
    let figures: [Duration]
    let falseDeaths: Int
    let problems: [String]

    init(stage: Stage, took: Duration) {
        let record = stage.cluster.record
        events = stage.cluster.events
        hash = stage.cluster.hash ^ stage.contents
        self.took = took
        let deaths = record.entries.sorted { $0.key < $1.key }.map(\.value)
        suspected = deaths.compactMap(\.lastSuspicion)
        known = deaths.compactMap(\.lastKnown) + record.leaves.values.compactMap(\.lastKnown).sorted()
        joining = stage.joining
        idleBytes = stage.idleBytes
        idleSpeed = stage.idleSpeed
        figures = stage.figures
        falseDeaths = record.falseDeaths
        problems = stage.problems
    }
}

/// What came of all runs of a scenario: one line.
struct ScenarioSummary: CustomStringConvertible {
    let scenario: String
    private(set) var failures = 0
    private var runs = 0
    private var events = 0
    private var took: Duration = .zero
    private var suspected: [Duration] = []
    private var known: [Duration] = []
    private var joining: [Duration] = []
    private var figures: [Duration] = []
    private var falseDeaths = 0
    private var idleBytes: [Double] = []
    private var idleSpeeds: [Double] = []
    private var hash: UInt64 = 0

    init(scenario: String) { self.scenario = scenario }

    mutating func add(_ outcome: ScenarioOutcome) {
        runs += 1
        if !outcome.problems.isEmpty { failures += 1 }
        events += outcome.events
        took += outcome.took
        suspected += outcome.suspected
        known += outcome.known
        joining += outcome.joining.map { [$0] } ?? []
        figures += outcome.figures
        falseDeaths += outcome.falseDeaths
        idleBytes += outcome.idleBytes.map { [$0] } ?? []
        idleSpeeds += outcome.idleSpeed.map { [$0] } ?? []
        hash = hash &* 31 &+ outcome.hash
    }

    var description: String {
        let rate = Double(events) / max(took / .seconds(1), 1e-9)
        return "\(scenario): \(runs) seeds, \(failures) failed, \(events) events, \(Int(rate / 1000)) k/s, "
            + "suspect p50/p95 \(Self.text(suspected)), known p50/p95 \(Self.text(known)), "
            + "joined p50/p95 \(Self.text(joining)), steps p50/p95 \(Self.text(figures)), "
            + (idleBytes.isEmpty
                ? "" : "idle \(Self.mean(idleBytes)) B/s a node at \(Self.mean(idleSpeeds)) × real time, ")
            + "false deaths \(falseDeaths), hash \(String(hash, radix: 16)), \(Self.text(took)) s"
    }

    private static func mean(_ numbers: [Double]) -> Int { Int(numbers.reduce(0, +) / Double(max(numbers.count, 1))) }

    private static func text(_ durations: [Duration]) -> String {
        guard !durations.isEmpty else { return "–" }
        let sorted = durations.sorted()
        let last = sorted.count - 1
        return "\(text(sorted[last / 2]))/\(text(sorted[last * 95 / 100]))"
    }

    private static func text(_ duration: Duration) -> String {
        let hundredths = Int(duration / .milliseconds(10))
        return "\(hundredths / 100).\(hundredths / 10 % 10)\(hundredths % 10)"
    }
}
