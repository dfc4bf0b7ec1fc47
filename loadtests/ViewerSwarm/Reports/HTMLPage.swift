// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A result of viewers as one HTML file with charts, which fetches nothing from anywhere.
struct HTMLPage {
    let title: String
    /// What was not as it must be.
    let broken: [String]
    /// A name and what is said of it, in rows.
    let facts: [[String]]
    let times: [(name: String, values: TimesReport)]
    let charts: [LineChart]

    /// The whole document.
    var text: String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>\(Self.escaped(title))</title><style>
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 2em auto; padding: 0 1em; color: #1f2328 }
        svg { width: 100%; margin: 1em 0 } svg text { font-size: 11px; fill: #57606a }
        svg .title { font-size: 13px; font-weight: 600; fill: #1f2328 } svg line { stroke: #d8dee4 }
        svg .scale { text-anchor: end; dominant-baseline: middle } svg .time { text-anchor: middle }
        table { border-collapse: collapse; margin: 1em 0 } td, th { padding: 2px 12px 2px 0; text-align: right }
        td:first-child, th:first-child { text-align: left } .bad { color: #d1242f }
        </style></head><body>
        <h1>\(Self.escaped(title))</h1>
        <p class="\(broken.isEmpty ? "good" : "bad")">\(verdict)</p>
        \(table(["", ""], facts))
        \(table(["milliseconds", "count", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"], timeRows))
        \(charts.map(\.svg).joined(separator: "\n"))
        </body></html>

        """
    }

    private var verdict: String {
        broken.isEmpty ? "All thresholds are held." : broken.map(Self.escaped).joined(separator: "<br>")
    }

    private var timeRows: [[String]] {
        times.map { name, times in
            [name, "\(times.count)"]
                + [times.mean, times.p50, times.p90, times.p95, times.p99, times.p999, times.max].map { "\($0)" }
        }
    }

    /// Writes the document.
    func write(to file: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: file)) }

    private func table(_ head: [String], _ rows: [[String]]) -> String {
        let body = rows.map { row in "<tr>" + row.map { "<td>\(Self.escaped($0))</td>" }.joined() + "</tr>" }
        let names = head.map { "<th>\($0)</th>" }.joined()
        return "<table><tr>\(names)</tr>\n\(body.joined(separator: "\n"))</table>"
    }

    private static func escaped(_ text: String) -> String {
        text.map { escapes[$0] ?? String($0) }.joined()
    }

    private static let escapes: [Character: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;"]
}
