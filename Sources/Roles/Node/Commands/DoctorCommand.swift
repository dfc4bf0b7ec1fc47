// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// `millrace doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look whether this machine has what a node with these settings needs.",
        discussion: """
            Reads the settings as `serve` does, and looks at what they use: limits, sysctl, ports, clock, names, certificates, \
            Redis, the store, seeds. A line each: ok, warn (a node runs, and less well than it could) or fail (it does not \
            start, or does not do what it is set to), what was found, what is needed, and what mends it. Ends with 1 where \
            something fails. A node may run meanwhile; the store gets one small object, which is removed.
            """)

    @Flag(help: "Print the findings as JSON.")
    var json = false

    @Flag(help: "Print what a node asks of the kernel as a file for /etc/sysctl.d, and look at nothing.")
    var sysctl = false

    @OptionGroup(title: "Settings") var arguments: SettingsArguments

    func run() async throws {
        if sysctl { return print(KernelSetting.file, terminator: "") }
        let findings = await Checkup(try arguments.settings()).findings()
        let worst = findings.map(\.verdict).max() ?? .ok
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            let all = JSONValue.object(["verdict": .text(worst.rawValue), "findings": .list(findings.map(\.value))])
            print(String(decoding: try encoder.encode(all), as: UTF8.self))
        } else {
            for finding in findings { print(finding.line) }
        }
        guard worst < .fail else { throw ExitCode(1) }
    }
}
