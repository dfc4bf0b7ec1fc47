// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `millrace-drill chaos`: hands over to the lab, which runs real nodes, breaks them by seed, and checks every answer.
struct ChaosCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chaos",
        abstract: "Run real nodes in two regions under load, break them by seed, and check every answer of theirs.",
        discussion: "Needs root. A failure prints the seed, what was done when, and the command that does it again."
    )

    @Option(help: "What the faults and their times are drawn from.")
    var seed: UInt32 = 1

    @Option(help: "How long; the last quarter of a minute is peace.")
    var minutes = 5.0

    @Option(help: "The name of a file in cluster/topologies, or a path.")
    var topology = "chaos"

    @Option(help: "How many streams, each with a publisher of its own.")
    var publishers = 20

    @Option(help: "How many viewers, spread over streams and regions.")
    var viewers = 200

    @Flag(help: "Only print what would be done when.")
    var plan = false

    @Option(help: "Where the logs of the nodes go when it fails.")
    var logs: String?

    func run() throws {
        var words = [
            "chaos", "--seed", "\(seed)", "--minutes", "\(minutes)", "--topology", topology, "--publishers",
            "\(publishers)",
            "--viewers", "\(viewers)",
        ]
        if plan { words.append("--plan") }
        if let logs { words += ["--logs", logs] }
        try LabScript().replaceProcess(with: words)
    }
}
