// SPDX-License-Identifier: Apache-2.0

public import Access
public import ArgumentParser
import Identity

/// `millrace token`.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make a token, signed with access.secret.",
        discussion: """
            Prints the token alone. The node that is to accept it must have the same access.secret. Where none is set, \
            `token publish` asks the node that runs on this machine; viewer and control tokens can not be made then.
            """,
        subcommands: [Publish.self, Viewer.self, Control.self]
    )

    /// `millrace token publish`.
    struct Publish: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "publish", abstract: "Allow one stream to be published.",
            discussion: """
                Without access.secret the running node is asked at http.host and http.port; it answers this machine, \
                and whoever has an operator's control token in MILLRACE_TOKEN.
                """
        )
        @Argument(help: "The stream, APP/NAME or a NAME in the app live.", transform: parsedStream) var stream: StreamID
        @Option(help: "How long, as in 30m. (default: access.publish_token_life)", transform: parsedDuration) var life:
            Duration?
        @OptionGroup(title: "Settings") var arguments: SettingsArguments

        func run() throws { print(try Tokens(arguments.settings()).publish(stream, life: life)) }
    }

    /// `millrace token viewer`.
    struct Viewer: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "viewer", abstract: "Allow one stream to be watched.")
        @Argument(help: "The stream, APP/NAME or a NAME in the app live.", transform: parsedStream) var stream: StreamID
        @Option(help: "How long, as in 2h.", transform: parsedDuration) var life: Duration = .seconds(7200)
        @OptionGroup(title: "Settings") var arguments: SettingsArguments

        func run() throws { print(try Tokens(arguments.settings()).viewer(stream, life: life)) }
    }

    /// `millrace token control`.
    struct Control: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "control", abstract: "Allow the control API to be used.")
        @Argument(help: "reader looks; operator also makes publish tokens and stops streams; admin may do everything.")
        var role: ControlRole
        @Option(help: "How long, as in 24h.", transform: parsedDuration) var life: Duration = .seconds(86_400)
        @OptionGroup(title: "Settings") var arguments: SettingsArguments

        func run() throws { print(try Tokens(arguments.settings()).control(role, life: life)) }
    }
}

extension ControlRole: ExpressibleByArgument {
    /// Reads the name of a role.
    public init?(argument: String) { self.init(parsing: argument) }

    /// The names, for the help.
    public static var allValueStrings: [String] { ["reader", "operator", "admin"] }
}
