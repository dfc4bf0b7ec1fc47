// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser
import Identity

/// `millrace cluster drain NODE`.
struct ClusterDrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Let a node hand over what it has, and then end.",
        discussion: """
            The node takes no new publishers and viewers from now on, gives its streams to others, and ends when nothing \
            is left, at the latest at the deadline. Whichever node is asked passes the word on. Needs an admin's token \
            from another machine. `millrace cluster events --follow` shows how it goes.
            """)

    @Argument(help: "The node's name, as `millrace cluster members` lists it.", transform: parsedNode) var name: NodeID
    @Option(help: "How long it may take, as in 60s or 10m.", transform: parsedDuration) var deadline = Duration.seconds(
        60)
    @OptionGroup(title: "Node") var arguments: NodeArguments

    func run() throws {
        let seconds = Int(max(1, deadline.components.seconds))
        let answer = try arguments.post("/api/v1/cluster/nodes/\(name)/drain", ["deadline": .number(Double(seconds))])
            .succeeded()
        print(arguments.json ? answer.text : "\(name) drains, and ends in \(seconds) s at the latest")
    }
}
