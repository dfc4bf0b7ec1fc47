// SPDX-License-Identifier: Apache-2.0

import Telemetry

/// What is counted of delivery by a CDN.
struct DeliveryMetrics: Sendable {
    let offloaded: Gauge
    let loops: Counter
    private let switchedOn: Counter
    private let switchedOff: Counter
    private let purges: [Purge: Counter]

    /// What became of a wish that the CDN forget a stream.
    enum Purge: String, CaseIterable {
        case done, failed
    }

    init(_ registry: MetricRegistry) {
        offloaded = registry.gauge(Self.offloadedFamily)
        loops = registry.counter(Self.loopFamily)
        switchedOn = registry.counter(Self.switchFamily, "cdn")
        switchedOff = registry.counter(Self.switchFamily, "edge")
        purges = Dictionary(
            uniqueKeysWithValues: Purge.allCases.map { ($0, registry.counter(Self.purgeFamily, $0.rawValue)) })
    }

    func switched(on isOn: Bool) { (isOn ? switchedOn : switchedOff).add() }

    func purged(_ outcome: Purge) { purges[outcome]?.add() }

    static let families = [offloadedFamily, loopFamily, switchFamily, purgeFamily]

    private static let offloadedFamily = MetricFamily(
        "millrace_cdn_streams", .gauge, help: "Streams of this gateway whose segments come from the CDN now.")
    private static let loopFamily = MetricFamily(
        "millrace_cdn_loops_total", .counter,
        help:
            "Requests for media refused because they came of a request of a node of this cluster, round a CDN or proxy."
    )
    private static let switchFamily = MetricFamily(
        "millrace_cdn_switches_total", .counter, labels: [.oneOf("to", ["cdn", "edge"])],
        help: "How often a stream's segments went to the CDN and back to the edges.")
    private static let purgeFamily = MetricFamily(
        "millrace_cdn_purges_total", .counter, labels: [.oneOf("outcome", Purge.allCases.map(\.rawValue))],
        help: "Wishes that the CDN forget a stream, by what became of them after all attempts.")
}
