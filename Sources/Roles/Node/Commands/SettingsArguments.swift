// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// The flags that make settings, for every command that needs them.
struct SettingsArguments: ParsableArguments {
    @Option(name: .long, help: "A YAML file of settings; millrace.yml documents every key. (env: MILLRACE_CONFIG)")
    var config: String?

    @Option(name: .customLong("set"), help: "One setting, as in --set hls.profile=low-latency; may be repeated.")
    var assignments: [String] = []

    @Option(name: .long, help: "The port of media, page and API: http.port. (default: 8080)")
    var httpPort: String?

    @Option(name: .long, help: "The port of publishers: rtmp.port. (default: 1935)")
    var rtmpPort: String?

    @Option(name: .long, help: "default, low-latency or apple: hls.profile.")
    var profile: String?

    @Option(name: .long, help: "The lowest level that is logged: log.level. (default: info)")
    var logLevel: String?

    func validate() throws {
        for assignment in assignments where !assignment.contains("=") {
            throw ValidationError("--set \(assignment): write it as key=value")
        }
    }

    /// The settings in force; prints what is wrong and ends with code 78 (EX_CONFIG) otherwise.
    func settings(environment: [String: String] = ProcessInfo.processInfo.environment) throws -> NodeSettings {
        var loader = SettingsLoader()
        if let name = config ?? environment["MILLRACE_CONFIG"] {
            guard let data = FileManager.default.contents(atPath: name) else {
                throw Refusal.settings("\(name): can not be read")
            }
            loader.add(file: name, text: String(decoding: data, as: UTF8.self))
        }
        loader.add(environment: environment)
        let shortcuts = [
            ("http.port", httpPort), ("rtmp.port", rtmpPort), ("hls.profile", profile), ("log.level", logLevel),
        ]
        for (key, value) in shortcuts { if let value { loader.add(flag: key, value) } }
        for assignment in assignments {
            let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            loader.add(flag: String(parts[0]), String(parts[1]))
        }
        do throws(SettingsFailure) { return try loader.load() } catch { throw Refusal.settings(error.description) }
    }
}

/// How commands end that can not do what they were asked.
enum Refusal {
    /// Prints `text` to standard error and ends with `EX_CONFIG`.
    static func settings(_ text: String) -> ExitCode { ended(text, 78) }

    /// Prints `text` to standard error and ends with `EX_UNAVAILABLE`.
    static func unavailable(_ text: String) -> ExitCode { ended(text, 69) }

    private static func ended(_ text: String, _ code: Int32) -> ExitCode {
        FileHandle.standardError.write(Data((text + "\n").utf8))
        return ExitCode(code)
    }
}
