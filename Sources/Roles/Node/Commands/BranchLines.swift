// SPDX-License-Identifier: Apache-2.0

/// The tree of a stream as lines, each below the one it takes the stream from and two spaces further in.
package struct BranchLines {
    /// The lines.
    package private(set) var lines: [String] = []
    private let children: [String: [JSONValue]]

    /// The lines of the API's `tree`.
    package init(_ tree: [JSONValue]) {
        let known = Set(tree.map { $0["node"].words })
        children = Dictionary(grouping: tree) { branch in
            let parent = branch["parent"].words
            return known.contains(parent) && parent != branch["node"].words ? parent : ""
        }
        var drawn: Set<String> = []
        draw(below: "", indent: "", &drawn)
    }

    /// A node stands in a tree once, whatever the answer says.
    private mutating func draw(below parent: String, indent: String, _ drawn: inout Set<String>) {
        for branch in children[parent] ?? [] {
            let name = branch["node"].words
            guard drawn.insert(name).inserted else { continue }
            let viewers = branch["viewers"] == .null ? "" : "  viewers=\(branch["viewers"].words)"
            let health = branch["health"].words
            let ill = health.isEmpty || health == "alive" ? "" : "  \(health)"
            lines.append("\(indent)\(name)  \(branch["part"].words)  region=\(branch["region"].words)\(viewers)\(ill)")
            draw(below: name, indent: indent + "  ", &drawn)
        }
    }
}
