// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct Drill: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-drill",
        abstract: "Run clusters on this machine, break them, and see what comes of it.",
        subcommands: [RunCommand.self, ChaosCommand.self, SimCommand.self, DelayLineCommand.self]
    )
}
