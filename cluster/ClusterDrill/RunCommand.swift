// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `millrace-drill run TOPOLOGY`: hands over to the lab, `cluster/drill`, whose other verbs break what runs.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a topology in network namespaces of its own until Ctrl-C.",
        discussion: "Needs root. cluster/drill --help lists what may be done to it from another shell."
    )

    @Argument(help: "The name of a file in cluster/topologies, or a path.")
    var topology: String

    @Flag(help: "Make the network and start no process.")
    var bare = false

    @Option(help: "How the run is called.")
    var name: String?

    func run() throws {
        var words = ["run", topology]
        if bare { words.append("--bare") }
        if let name { words += ["--name", name] }
        try LabScript().replaceProcess(with: words)
    }
}
