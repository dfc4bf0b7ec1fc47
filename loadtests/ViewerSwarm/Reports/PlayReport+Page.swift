// SPDX-License-Identifier: Apache-2.0

import Swarm

extension PlayReport {
    /// The result for a person with a browser.
    func page(_ title: String, broken: [String]) -> HTMLPage {
        HTMLPage(title: title, broken: broken, facts: facts, times: times, charts: charts)
    }

    private var facts: [[String]] {
        [
            [
                "viewers",
                "\(viewers), \(joins) joins, \(whole) of them whole, \(started) saw a picture, \(unserved) waited in vain",
            ],
            ["for", "\(seconds) s"],
            ["packets, tags", "\(packets), \(lostPackets) lost, \(repairedPackets) repaired, \(badPackets) bad"],
            ["bytes", "\(bytes >> 20) MiB"],
            ["pictures", "\(pictures), \(lostPictures) runs lost"],
            ["freezes", "\(freezes) of \((frozenSeconds * 10).rounded() / 10) s"],
            ["faults", faults.sorted { $0.key < $1.key }.map { "\($1) \($0)" }.joined(separator: ", ")],
        ]
    }

    private var times: [(name: String, values: TimesReport)] {
        [
            ("to the answer", answerMilliseconds), ("to the keys, or media", connectMilliseconds),
            ("to the first picture", startMilliseconds), ("on the way", delayMilliseconds),
            ("between pictures", intervalMilliseconds), ("the load program was late", lagMilliseconds),
        ]
    }

    private var charts: [LineChart] {
        func count(_ name: String, _ value: (PlaySecond) -> Int) -> LineChart.Series {
            LineChart.Series(name: name, values: samples.map { Double(value($0)) })
        }
        return [
            LineChart(title: "Viewers", unit: "at the second's end", series: [count("present", \.present)]),
            LineChart(
                title: "On the way", unit: "ms",
                series: [
                    LineChart.Series(name: "p50", values: samples.map(\.delay50)),
                    LineChart.Series(name: "p95", values: samples.map(\.delay95)),
                ]),
            LineChart(
                title: "Traffic", unit: "Mbit/s",
                series: [LineChart.Series(name: "media", values: samples.map(\.megabits))]),
            LineChart(
                title: "Coming", unit: "a second",
                series: [count("joins", \.joins), count("first pictures", \.started)]),
            LineChart(
                title: "Trouble", unit: "a second",
                series: [count("freezes", \.freezes), count("lost packets", \.lost), count("faults", \.faults)]),
        ]
    }
}
