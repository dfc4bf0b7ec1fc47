// SPDX-License-Identifier: Apache-2.0

import Bytes
import Configuration

/// Puts the settings together: flags win over the environment, that over the file, that over the defaults. Anything
/// that can not be understood stops the start, all of it told at once.
public struct SettingsLoader: Sendable {
    private var flags: [(key: String, value: String)] = []
    private var environment: [String: String] = [:]
    private var file: (name: String, text: String)?

    /// A loader that gives the defaults.
    public init() {}

    /// Adds a flag, `http.port` and `8081`; a later one of the same key wins.
    public mutating func add(flag key: String, _ value: String) { flags.append((key, value)) }

    /// Adds the environment; variables that do not begin with `MILLRACE_` are none of ours.
    public mutating func add(environment: [String: String]) {
        self.environment = environment.filter { $0.key.hasPrefix("MILLRACE_") && !Self.otherVariables.contains($0.key) }
    }

    /// Adds the file's text; `name` is for messages.
    public mutating func add(file name: String, text: String) { file = (name, text) }

    /// The settings in force.
    public func load() throws(SettingsFailure) -> NodeSettings {
        var wrong = unknownFlags() + unknownVariables()
        var sources: [Source] = []
        if !flags.isEmpty { sources.append(.flags(flagValues())) }
        if !environment.isEmpty { sources.append(.variables(environmentValues())) }
        if let file {
            do throws(SettingsFailure) {
                let settingsFile = try SettingsFile(name: file.name, text: file.text)
                wrong += settingsFile.unknownKeys()
                sources.append(.file(settingsFile))
            } catch {
                wrong += error.lines
            }
        }
        var settings = NodeSettings()
        for key in SettingKey.all {
            guard let source = sources.first(where: { $0.has(key) }) else { continue }
            let text = source.text(of: key)
            if let text, key.apply(text, to: &settings) { continue }
            wrong.append(SettingsFailure.notAllowed(key, value: text ?? "", from: source.name(for: key)))
        }
        if wrong.isEmpty { wrong = settings.contradictions }
        guard wrong.isEmpty else { throw SettingsFailure(lines: wrong) }
        return settings
    }

    private func environmentValues() -> EnvironmentVariablesProvider {
        EnvironmentVariablesProvider(environmentVariables: environment)
    }

    private func flagValues() -> InMemoryProvider {
        let values = flags.map { (AbsoluteConfigKey($0.key.split(separator: ".").map(String.init)), $0.value) }
        return InMemoryProvider(
            values: Dictionary(values.map { ($0, ConfigValue(.string($1), isSecret: true)) }) { _, last in last }
        )
    }

    private func unknownFlags() -> [String] {
        flags.filter { SettingKey.named($0.key) == nil }
            .map { SettingsFailure.unknown($0.key, from: "flag", among: SettingKey.all.map(\.path)) }
    }

    private func unknownVariables() -> [String] {
        let known = SettingKey.all.map(\.environmentName)
        return environment.keys.sorted().filter { !known.contains($0) }
            .map { SettingsFailure.unknown($0, from: "environment", among: known) }
    }

    /// Variables of the command line, not settings: the file's name and the caller's token.
    private static let otherVariables: Set<String> = ["MILLRACE_CONFIG", "MILLRACE_TOKEN"]
}

/// One place that settings come from.
private enum Source {
    case flags(InMemoryProvider)
    case variables(EnvironmentVariablesProvider)
    case file(SettingsFile)

    func has(_ key: SettingKey) -> Bool {
        if case .file(let file) = self { file.has(key) } else { text(of: key) != nil }
    }

    /// The key's text, a list joined with commas; nil where there is none or it has the wrong shape.
    func text(of key: SettingKey) -> String? {
        switch self {
        case .file(let file): file.text(of: key)
        case .flags(let provider): text(of: key.components, by: provider)
        case .variables(let provider): text(of: ["millrace"] + key.components, by: provider)
        }
    }

    private func text(of components: [String], by provider: some ConfigProvider) -> String? {
        let result = try? provider.value(forKey: AbsoluteConfigKey(components), type: .string)
        guard case .string(let text) = result?.value?.content else { return nil }
        return text
    }

    func name(for key: SettingKey) -> String {
        switch self {
        case .flags: "flag"
        case .variables: "environment \(key.environmentName)"
        case .file(let file): file.place(of: key.path)
        }
    }
}
