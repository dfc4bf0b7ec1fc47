// SPDX-License-Identifier: Apache-2.0

/// The text of `millrace.yml`: every setting with its effect, its reason, what is allowed and its environment name, at
/// its default. The file at the root is this text, and a test compares them.
public enum SettingsReference {
    /// The whole file.
    public static var text: String {
        var text = preface
        var open: [String] = []
        for key in SettingKey.all {
            let groups = Array(key.components.dropLast())
            let shared = zip(open, groups).prefix { $0 == $1 }.count
            for depth in shared..<groups.count {
                text += (depth == 0 ? "\n" : "") + indentation(depth) + groups[depth] + ":\n"
            }
            open = groups
            text += entry(key, indentation: indentation(groups.count))
        }
        return text
    }

    private static func entry(_ key: SettingKey, indentation: String) -> String {
        let comments = [key.effect, "Why: \(key.reason)", "Allowed: \(key.allowed). \(key.environmentName)"]
        let width = 110 - indentation.count
        let lines = comments.flatMap { wrapped($0, width: width) }.map { "# \($0)" }
        let name = key.components.last ?? key.path
        // A list may go on in a line that stands further in: YAML 1.2 §7.4.
        let value = wrapped("\(name): \(key.defaultText)", width: width)
        return (lines + value).map { "\(indentation)\($0)\n" }.joined()
    }

    private static func wrapped(_ text: String, width: Int) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = String(word)
            } else if last.count + 1 + word.count <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append("  \(word)")
            }
        }
        return lines
    }

    private static func indentation(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    private static let preface = """
        # Every setting of a node, at its default. A node needs none of them: `millrace serve` runs without a file.
        #
        # A flag wins over the environment, the environment over the file that `--config FILE` or MILLRACE_CONFIG names,
        # the file over the default. A key, a type or a value that is wrong stops the start and is told with its line.
        # `millrace check-settings` says what would be in force; `millrace check-settings --reference` prints this file.
        # Durations are whole numbers with ms, s, m or h; sizes with B, KiB, MiB or GiB; lists in the environment have
        # commas.

        """
}
