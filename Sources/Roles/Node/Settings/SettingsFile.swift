// SPDX-License-Identifier: Apache-2.0

import Configuration
import Yams

/// A YAML file of settings, read whole: the values, and where each key stands.
struct SettingsFile {
    let name: String
    let snapshot: YAMLSnapshot
    private let lines: [String: Int]

    init(name: String, text: String) throws(SettingsFailure) {
        self.name = name
        do {
            // A file of comments only is a file without settings.
            guard let root = try Yams.compose(yaml: text) else {
                snapshot = try Self.snapshot(of: "{}")
                lines = [:]
                return
            }
            snapshot = try Self.snapshot(of: text)
            var lines: [String: Int] = [:]
            Self.collect(root, below: "", into: &lines)
            self.lines = lines
        } catch {
            throw SettingsFailure(lines: ["\(name): not a YAML file of settings: \(error)"])
        }
    }

    func has(_ key: SettingKey) -> Bool { lines[key.path] != nil }

    /// The file and line of a key, for messages.
    func place(of path: String) -> String { lines[path].map { "\(name):\($0)" } ?? name }

    func unknownKeys() -> [String] {
        lines.sorted { ($0.value, $0.key) < ($1.value, $1.key) }.map(\.key).filter { SettingKey.named($0) == nil }
            .map { SettingsFailure.unknown($0, from: place(of: $0), among: SettingKey.all.map(\.path)) }
    }

    private static func snapshot(of text: String) throws -> YAMLSnapshot {
        try YAMLSnapshot(data: Array(text.utf8).span.bytes, providerName: "file", parsingOptions: .default)
    }

    /// Notes the line of each leaf; a group with nothing in it is no setting.
    private static func collect(_ node: Yams.Node, below prefix: String, into lines: inout [String: Int]) {
        guard let mapping = node.mapping else { return }
        for (key, value) in mapping {
            let path = prefix + (key.string ?? "?")
            let isEmptyGroup = value.null != nil && SettingKey.all.contains { $0.path.hasPrefix(path + ".") }
            if value.mapping != nil {
                collect(value, below: path + ".", into: &lines)
            } else if !isEmptyGroup {
                lines[path] = key.mark?.line ?? 0
            }
        }
    }
}
