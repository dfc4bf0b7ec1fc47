// SPDX-License-Identifier: Apache-2.0

import OTLP
import Telemetry

/// What is counted of traces.
struct TracingMetrics: Sendable {
    private let exported: Counter
    private let dropped: [Drop: Counter]

    /// Why a span did not reach the collector.
    private enum Drop: String, CaseIterable {
        case queueFull = "queue_full"
        case refused
        case unsent
    }

    init(_ registry: MetricRegistry) {
        exported = registry.counter(Self.exportedFamily)
        dropped = Dictionary(
            uniqueKeysWithValues: Drop.allCases.map { ($0, registry.counter(Self.droppedFamily, $0.rawValue)) })
    }

    func note(_ counters: SpanCounters) {
        exported.add(counters.exported)
        dropped[.queueFull]?.add(counters.withoutRoom)
        dropped[.refused]?.add(counters.refused)
        dropped[.unsent]?.add(counters.unsent)
    }

    static let families = [exportedFamily, droppedFamily]

    private static let exportedFamily = MetricFamily(
        "millrace_trace_spans_exported_total", .counter, help: "Spans that the collector has taken.")
    private static let droppedFamily = MetricFamily(
        "millrace_trace_spans_dropped_total", .counter, labels: [.oneOf("reason", Drop.allCases.map(\.rawValue))],
        help: "Spans that did not reach the collector, by reason.")
}
