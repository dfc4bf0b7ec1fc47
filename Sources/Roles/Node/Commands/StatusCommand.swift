// SPDX-License-Identifier: Apache-2.0

import APIClient
import ArgumentParser

/// `millrace status`.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say whether a running node is healthy and ready.",
        discussion: "Ends with 0 if it is both, so that it can serve as a container's health check."
    )

    @OptionGroup(title: "Node") var arguments: NodeArguments

    func run() throws {
        var isGood = true
        for name in ["health", "ready"] {
            let answer = try arguments.get("/\(name)")
            isGood = isGood && answer.status == 200
            let word = answer.status == 200 ? "yes" : "no (\(answer.status))"
            print(arguments.json ? answer.text : "\(name == "health" ? "healthy" : "ready"): \(word)")
        }
        guard isGood else { throw ExitCode(1) }
    }
}
