// SPDX-License-Identifier: Apache-2.0

import Telemetry
import Testing

@Suite("A metric registry")
struct MetricRegistryTests {
    private static let requests = MetricFamily(
        "millrace_requests_total", .counter,
        labels: [.oneOf("kind", ["playlist", "part"]), .open("stream", limit: 2)], help: "Requests."
    )
    private static let viewers = MetricFamily(
        "millrace_viewers", .gauge, labels: [.open("stream", limit: 2)], help: "A \\ and a\nline \"feed\"."
    )
    private static let uptime = MetricFamily("millrace_busy_seconds_total", .counter, unit: .seconds, help: "Time.")
    private static let delay = MetricFamily(
        "millrace_delay_seconds", .histogram(.durations([.milliseconds(5), .seconds(1)])), unit: .seconds,
        help: "Delay."
    )
    private let registry = MetricRegistry(families: [requests, viewers, uptime, delay])

    private var lines: [String] {
        String(decoding: registry.text(), as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test("shows families without series as comments, escaped")
    func showsFamilies() {
        #expect(
            lines == [
                "# HELP millrace_requests_total Requests.", "# TYPE millrace_requests_total counter",
                "# HELP millrace_viewers A \\\\ and a\\nline \"feed\".", "# TYPE millrace_viewers gauge",
                "# HELP millrace_busy_seconds_total Time.", "# TYPE millrace_busy_seconds_total counter",
                "# HELP millrace_delay_seconds Delay.", "# TYPE millrace_delay_seconds histogram",
            ]
        )
        #expect(registry.text().last == UInt8(ascii: "\n"))
    }

    @Test("renders samples sorted by label, label values escaped")
    func rendersSamples() {
        registry.counter(Self.requests, "playlist", "live/a").add(3)
        registry.counter(Self.requests, "part", "live/a").add()
        registry.gauge(Self.viewers, "a\"b\\c\nd").add(-2)
        #expect(
            lines.filter { !$0.hasPrefix("#") } == [
                "millrace_requests_total{kind=\"part\",stream=\"live/a\"} 1",
                "millrace_requests_total{kind=\"playlist\",stream=\"live/a\"} 3",
                "millrace_viewers{stream=\"a\\\"b\\\\c\\nd\"} -2",
            ]
        )
    }

    @Test("renders times exactly, in seconds")
    func rendersTimes() {
        let busy = registry.counter(Self.uptime)
        busy.add(.nanoseconds(1_500_000_001))
        busy.add(.seconds(2))
        #expect(lines.contains("millrace_busy_seconds_total 3.500000001"))
    }

    @Test("renders histograms cumulatively, bounds inclusive")
    func rendersHistograms() {
        let delay = registry.histogram(Self.delay)
        for value in [Duration.milliseconds(5), .milliseconds(6), .seconds(30)] { delay.observe(value) }
        #expect(
            lines.filter { $0.hasPrefix("millrace_delay") } == [
                "millrace_delay_seconds_bucket{le=\"0.005\"} 1", "millrace_delay_seconds_bucket{le=\"1\"} 2",
                "millrace_delay_seconds_bucket{le=\"+Inf\"} 3", "millrace_delay_seconds_sum 30.011",
                "millrace_delay_seconds_count 3",
            ]
        )
        #expect(delay.count == 3)
    }

    @Test("gives one handle for one set of labels")
    func givesOneHandle() {
        #expect(registry.gauge(Self.viewers, "live/a") === registry.gauge(Self.viewers, "live/a"))
    }

    @Test("counts what is beyond an open label's limit under one name, and has room again after a removal")
    func boundsOpenLabels() {
        for index in 0..<1000 { registry.counter(Self.requests, "part", "live/\(index)").add() }
        let other = registry.counter(Self.requests, "part", MetricLabel.overflow)
        #expect(other.value == 998)
        #expect(lines.filter { $0.hasPrefix("millrace_requests_total") }.count == 3)
        registry.remove(Self.requests, "part", "live/0")
        #expect(registry.counter(Self.requests, "part", "live/new") !== other)
        #expect(Self.requests.maximumSeries == 6)
    }

    @Test("forgets removed series and keeps the others")
    func removes() {
        let gone = registry.gauge(Self.viewers, "live/a")
        gone.set(1)
        registry.gauge(Self.viewers, "live/b").set(2)
        registry.remove(Self.viewers, "live/a")
        gone.set(9)
        #expect(lines.filter { $0.hasPrefix("millrace_viewers{") } == ["millrace_viewers{stream=\"live/b\"} 2"])
    }

    @Test("names the families that never moved")
    func namesUnmoved() {
        #expect(registry.unmoved == registry.families)
        registry.counter(Self.uptime).add(.seconds(1))
        registry.histogram(Self.delay).observe(.zero)
        #expect(registry.unmoved.map(\.name) == ["millrace_requests_total", "millrace_viewers"])
    }

    @Test("loses no count between threads")
    func losesNoCount() async {
        let counter = registry.counter(Self.requests, "part", "live/a")
        let delay = registry.histogram(Self.delay)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        counter.add()
                        delay.observe(.seconds(1))
                    }
                }
            }
        }
        #expect(counter.value == 8000)
        #expect(delay.sum == 8_000_000_000_000)
    }

    @Test("lets no family be declared that breaks the rules")
    func refusesBadFamilies() {
        let open = MetricLabel.open("stream", limit: 4)
        let table: [(String, MetricKind, MetricUnit, [MetricLabel], String?)] = [
            ("millrace_requests_total", .counter, .count, [open], nil),
            ("millrace_sent_bytes_total", .counter, .bytes, [], nil),
            ("millrace_viewers", .gauge, .count, [], nil),
            ("requests_total", .counter, .count, [], "bad metric name requests_total"),
            ("millrace_Viewers", .gauge, .count, [], "bad metric name millrace_Viewers"),
            ("millrace_requests", .counter, .count, [], "only and all counters end in _total: millrace_requests"),
            ("millrace_a_total", .gauge, .count, [], "only and all counters end in _total: millrace_a_total"),
            ("millrace_sent_total", .counter, .bytes, [], "millrace_sent_total must say its unit _bytes"),
            ("millrace_lag", .gauge, .seconds, [], "millrace_lag must say its unit _seconds"),
            ("millrace_viewers", .gauge, .count, [.open("le", limit: 4)], "bad label name in millrace_viewers"),
            ("millrace_viewers", .gauge, .count, [open, open], "a label twice in millrace_viewers"),
        ]
        for (name, kind, unit, labels, fault) in table {
            #expect(MetricFamily.fault(in: name, kind, unit: unit, labels: labels) == fault, "\(name)")
        }
    }
}
