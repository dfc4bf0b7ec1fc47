// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser

/// `millrace streams`.
struct StreamsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams", abstract: "List the live streams of a running node."
    )

    @OptionGroup(title: "Node") var arguments: NodeArguments

    func run() throws {
        try arguments.printList(
            "streams", at: "/api/v1/streams",
            columns: ["id", "state", "viewers", "bitrate", "codecs", "resolution", "uptimeSeconds"],
            orElse: "no live streams")
    }
}
