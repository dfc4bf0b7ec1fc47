// SPDX-License-Identifier: Apache-2.0

import Yams

/// A YAML file of settings, read whole: the texts, and where each key stands.
struct SettingsFile {
    let name: String
    private var leaves: [String: Leaf] = [:]

    private struct Leaf {
        let line: Int
        let node: Yams.Node
    }

    init(name: String, text: String) throws(SettingsFailure) {
        self.name = name
        do {
            // What a text means is for the setting to say: nothing is resolved to a number or a truth here. A file of
            // comments only is a file without settings.
            guard let root = try Yams.compose(yaml: text, .basic) else { return }
            guard root.mapping != nil else { throw SettingsFailure(lines: ["it holds no keys"]) }
            collect(root, below: "")
        } catch let failure as SettingsFailure {
            throw SettingsFailure(lines: failure.lines.map { "\(name): not a YAML file of settings: \($0)" })
        } catch {
            throw SettingsFailure(lines: ["\(name): not a YAML file of settings: \(error)"])
        }
    }

    func has(_ key: SettingKey) -> Bool { leaves[key.path] != nil }

    /// The text of a key, a sequence joined with commas; nil where it has the wrong shape.
    func text(of key: SettingKey) -> String? {
        guard let node = leaves[key.path]?.node else { return nil }
        guard key.isList else { return node.scalar?.string }
        guard let texts = node.sequence.map({ $0.compactMap(\.scalar?.string) }), texts.count == node.sequence?.count
        else { return nil }
        return texts.joined(separator: ",")
    }

    /// The file and line of a key, for messages.
    func place(of path: String) -> String { leaves[path].map { "\(name):\($0.line)" } ?? name }

    func unknownKeys() -> [String] {
        leaves.sorted { ($0.value.line, $0.key) < ($1.value.line, $1.key) }.map(\.key).filter {
            SettingKey.named($0) == nil
        }
        .map { SettingsFailure.unknown($0, from: place(of: $0), among: SettingKey.all.map(\.path)) }
    }

    /// Notes each leaf; a group with nothing in it is no setting.
    private mutating func collect(_ node: Yams.Node, below prefix: String) {
        guard let mapping = node.mapping else { return }
        for (key, value) in mapping {
            let path = prefix + (key.string ?? "?")
            let isEmptyGroup = value.null != nil && SettingKey.all.contains { $0.path.hasPrefix(path + ".") }
            if value.mapping != nil {
                collect(value, below: path + ".")
            } else if !isEmptyGroup {
                leaves[path] = Leaf(line: key.mark?.line ?? 0, node: value)
            }
        }
    }
}
