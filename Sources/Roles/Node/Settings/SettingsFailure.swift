// SPDX-License-Identifier: Apache-2.0

/// Why a node does not start: every wrong setting, each as one line.
public struct SettingsFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// One line for each thing that is wrong.
    public let lines: [String]

    /// The lines as one text.
    public var description: String { lines.joined(separator: "\n") }
}

extension SettingsFailure {
    /// The line for a key that does not exist, with the nearest one that does.
    static func unknown(_ name: String, from source: String, among known: [String]) -> String {
        let near = known.map { ($0, distance(name, $0)) }.min { $0.1 < $1.1 }
        guard let near, near.1 <= max(2, name.count / 4) else { return "\(source): unknown setting \(name)" }
        return "\(source): unknown setting \(name); did you mean \(near.0)?"
    }

    /// The line for a value that is not allowed; a secret's value is not shown.
    static func notAllowed(_ key: SettingKey, value: String, from source: String) -> String {
        let given = key.isSecret ? "the given value" : "\"\(value.prefix(80))\""
        return "\(source): \(key.path): \(given) is not \(key.allowed)"
    }

    /// Levenshtein's distance: the fewest insertions, deletions and replacements.
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (line, byte) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in right.indices {
                let replaced = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, min(row[column], row[column + 1]) + 1)
            }
        }
        return row[right.count]
    }
}
