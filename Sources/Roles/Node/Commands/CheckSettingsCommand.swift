// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `millrace check-settings`.
struct CheckSettingsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-settings",
        abstract: "Say what is wrong with the settings, or which are in force.",
        discussion: "Reads file, environment and flags as `serve` does. Ends with 78 if anything is wrong."
    )

    @Flag(help: "Print every setting with its effect, reason, range and environment name, at its default.")
    var reference = false

    @OptionGroup(title: "Settings") var arguments: SettingsArguments

    func run() throws {
        if reference { return print(SettingsReference.text, terminator: "") }
        let settings = try arguments.settings()
        for key in SettingKey.all {
            let value = key.text(in: settings)
            print("\(key.path): \(value)\(value == key.defaultText ? "" : "  # default \(key.defaultText)")")
        }
    }
}
