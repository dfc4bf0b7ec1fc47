// SPDX-License-Identifier: Apache-2.0

/// What one check of a machine came to.
package struct Finding: Sendable, Equatable {
    /// How bad it is.
    package enum Verdict: String, Sendable, CaseIterable, Comparable {
        /// As it should be.
        case ok
        /// A node runs, and less well than it could.
        case warn
        /// A node does not start, or does not do what it is set to.
        case fail

        /// From good to bad.
        package static func < (left: Verdict, right: Verdict) -> Bool { left.severity < right.severity }

        private var severity: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// What was looked at: a setting, or a part of the machine.
    package let check: String
    /// How bad it is.
    package let verdict: Verdict
    /// What was found.
    package let found: String
    /// What is needed, and why.
    package let needed: String
    /// The command or the setting that mends it; nil where nothing is to be mended.
    package let mend: String?

    /// A finding of its parts; one that is ``Verdict/ok`` has nothing to mend.
    init(_ check: String, _ verdict: Verdict, found: String, needed: String, mend: String) {
        self.check = check
        self.verdict = verdict
        self.found = found
        self.needed = needed
        self.mend = verdict == .ok ? nil : mend
    }

    /// The finding as a line.
    package var line: String {
        let word = verdict.rawValue + String(repeating: " ", count: 5 - verdict.rawValue.count)
        return "\(word) \(check): \(found); needed: \(needed)" + (mend.map { "; mend: \($0)" } ?? "")
    }

    /// The finding for machines.
    var value: JSONValue {
        .object([
            "check": .text(check), "verdict": .text(verdict.rawValue), "found": .text(found),
            "needed": .text(needed), "mend": mend.map { JSONValue.text($0) } ?? .null,
        ])
    }
}
