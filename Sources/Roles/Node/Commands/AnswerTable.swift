// SPDX-License-Identifier: Apache-2.0

/// A list of the API as lines for people: the first column bare, the others as `name=value`, each as wide as its widest.
package struct AnswerTable {
    /// The lines.
    package let lines: [String]

    /// A line for each object of `list`, in the order of `columns`, which are fields, or fields of fields as `load.viewers`.
    /// What an object does not have, or has as null or false, is left blank; a column that is blank everywhere is left
    /// out.
    package init(_ list: [JSONValue], columns: [String]) {
        let cells = list.map { object in
            columns.map { Self.cell($0, of: object, isFirst: $0 == columns.first) }
        }
        let widths = columns.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
        lines = cells.map { row in
            let padded = row.indices.lazy.filter { widths[$0] > 0 }.map { column in
                row[column] + String(repeating: " ", count: widths[column] - row[column].count)
            }
            return Self.trimmed(padded.joined(separator: "  "))
        }
    }

    /// Prints the lines, or a sentence where there are none.
    func print(orElse sentence: String) {
        for line in lines.isEmpty ? [sentence] : lines { Swift.print(line) }
    }

    private static func cell(_ column: String, of object: JSONValue, isFirst: Bool) -> String {
        let name = column.split(separator: ".").last.map(String.init) ?? column
        let value = object[column]
        if value == .flag(true) { return name }
        let words = value.words
        return isFirst || words.isEmpty ? words : "\(name)=\(words)"
    }

    private static func trimmed(_ line: String) -> String {
        var line = line[...]
        while line.last == " " { line.removeLast() }
        return String(line)
    }
}
