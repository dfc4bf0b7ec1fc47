// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct Main: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace-load",
        abstract: "Publish and watch many live streams at once, and count what comes of it.",
        subcommands: [PublishCommand.self, WatchCommand.self, TroubleCommand.self]
    )

    static func main() {
        Interrupt.listen()
        main(nil)
    }
}

/// `millrace-load publish`.
struct PublishCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish", abstract: "Publish a clip over and over, as many streams.",
        subcommands: [PublishRTMPCommand.self, PublishRTPCommand.self, PublishWHIPCommand.self]
    )
}

/// `millrace-load watch`.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Watch streams as players do.",
        subcommands: [
            WatchHLSCommand.self, WatchWHEPCommand.self, WatchRTMPCommand.self, WatchFLVCommand.self,
            WatchRTPCommand.self,
        ]
    )
}
