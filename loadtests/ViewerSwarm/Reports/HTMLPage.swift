// SPDX-License-Identifier: Apache-2.0

/// The result of `watch hls` as one HTML file with charts, which fetches nothing from anywhere.
struct HTMLPage {
    let report: HLSReport
    let title: String
    /// What was not as it must be.
    let broken: [String]

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
        \(table(["milliseconds", "count", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"], times))
        \(charts.map(\.svg).joined(separator: "\n"))
        </body></html>

        """
    }

    private var verdict: String {
        broken.isEmpty ? "All thresholds are held." : broken.map(Self.escaped).joined(separator: "<br>")
    }

    private var facts: [[String]] {
        [
            ["viewers", "\(report.viewers), \(report.joins) joins, \(report.started) saw a picture"],
            ["for", "\(report.seconds) s"],
            ["playlists", "\(report.playlists)"], ["parts", "\(report.parts)"], ["segments", "\(report.segments)"],
            ["bytes", "\((report.playlistBytes + report.mediaBytes) >> 20) MiB"],
            [
                "stalls",
                "\(report.stalls) of \(report.stalledViewers) viewers, \(report.longStalls) over 2 s of "
                    + "\(report.longStalledViewers)",
            ],
            ["rebuffer ratio", "\((report.rebufferPercent * 1000).rounded() / 1000) %"],
            ["redirects, moves, begun again", "\(report.redirects), \(report.moves), \(report.rejoins)"],
            ["faults", report.faults.sorted { $0.key < $1.key }.map { "\($1) \($0)" }.joined(separator: ", ")],
        ]
    }

    private var times: [[String]] {
        [
            ("to the first picture", report.startMilliseconds), ("behind the publisher", report.latencyMilliseconds),
            ("on the way", report.arrivalMilliseconds), ("stalls", report.stallMilliseconds),
            ("playlists, held back", report.blockedMilliseconds), ("playlists", report.playlistMilliseconds),
            ("refusals", report.refusedMilliseconds), ("media", report.mediaMilliseconds),
            ("the load program was late", report.lagMilliseconds),
        ].map { name, times in
            [name, "\(times.count)"]
                + [times.mean, times.p50, times.p90, times.p95, times.p99, times.p999, times.max].map { "\($0)" }
        }
    }

    private var charts: [LineChart] {
        let samples = report.samples
        func count(_ name: String, _ value: (SecondReport) -> Int) -> LineChart.Series {
            LineChart.Series(name: name, values: samples.map { Double(value($0)) })
        }
        return [
            LineChart(
                title: "Viewers", unit: "at the second's end",
                series: [
                    count("playing", \.playing), count("joining", \.joining), count("standing", \.standing),
                ]),
            LineChart(
                title: "Behind the publisher", unit: "ms",
                series: [
                    LineChart.Series(name: "p50", values: samples.map(\.latency50)),
                    LineChart.Series(name: "p95", values: samples.map(\.latency95)),
                ]),
            LineChart(
                title: "Traffic", unit: "Mbit/s",
                series: [LineChart.Series(name: "playlists and media", values: samples.map(\.megabits))]),
            LineChart(title: "Answers", unit: "a second", series: [count("answers", \.answers)]),
            LineChart(
                title: "Trouble", unit: "a second",
                series: [
                    count("stalls", \.stalls), count("faults", \.faults), count("moves to another pathway", \.moves),
                ]),
        ]
    }

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
