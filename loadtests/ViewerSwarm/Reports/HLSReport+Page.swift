// SPDX-License-Identifier: Apache-2.0

import Swarm

extension HLSReport {
    /// The result for a person with a browser.
    func page(_ title: String, broken: [String]) -> HTMLPage {
        HTMLPage(title: title, broken: broken, facts: facts, times: times, charts: charts)
    }

    private var facts: [[String]] {
        [
            ["viewers", "\(viewers), \(joins) joins, \(started) saw a picture, \(unserved) waited in vain"],
            ["for", "\(seconds) s"],
            ["playlists", "\(playlists)"], ["parts", "\(parts)"], ["segments", "\(segments)"],
            ["bytes", "\((playlistBytes + mediaBytes) >> 20) MiB"],
            [
                "stalls",
                "\(stalls) of \(stalledViewers) viewers, \(longStalls) over 2 s of "
                    + "\(longStalledViewers)",
            ],
            ["rebuffer ratio", "\((rebufferPercent * 1000).rounded() / 1000) %"],
            ["redirects, moves, begun again", "\(redirects), \(moves), \(rejoins)"],
            ["faults", faults.sorted { $0.key < $1.key }.map { "\($1) \($0)" }.joined(separator: ", ")],
        ]
    }

    private var times: [(name: String, values: TimesReport)] {
        [
            ("to the first picture", startMilliseconds), ("behind the publisher", latencyMilliseconds),
            ("on the way", arrivalMilliseconds), ("stalls", stallMilliseconds),
            ("playlists, held back", blockedMilliseconds), ("playlists", playlistMilliseconds),
            ("refusals", refusedMilliseconds), ("media", mediaMilliseconds),
            ("the load program was late", lagMilliseconds),
        ]
    }

    private var charts: [LineChart] {
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
}
