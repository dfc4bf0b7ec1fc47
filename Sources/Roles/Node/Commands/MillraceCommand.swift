// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser

/// `millrace`, the command.
public struct MillraceCommand: AsyncParsableCommand {
    /// Name, help and subcommands.
    public static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "Live streaming: publish over RTMP, watch over Low-Latency HLS.",
        discussion: """
            `millrace serve` needs no settings: publish to rtmp://HOST:1935/live/NAME and open http://HOST:8080/.
            """,
        version: MillraceVersion.text,
        subcommands: [
            ServeCommand.self, TokenCommand.self, StreamsCommand.self, ClusterCommand.self, RecordingsCommand.self,
            SteeringCommand.self, StatusCommand.self, CheckSettingsCommand.self, DoctorCommand.self,
            VersionCommand.self,
        ]
    )

    /// Made by the parser.
    public init() {}
}

/// `millrace version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() { print("millrace \(MillraceVersion.text)") }
}

/// The version of this program.
public enum MillraceVersion {
    /// Semantic version; moved by the commit that makes a release.
    public static let text = "0.1.0"
}
