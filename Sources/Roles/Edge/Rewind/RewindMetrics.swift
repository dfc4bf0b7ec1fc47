// SPDX-License-Identifier: Apache-2.0

public import Telemetry

/// What is counted of viewers who go back.
public struct RewindMetrics: Sendable {
    let histories: Gauge
    let memory: Gauge
    private let lookups: [Lookup: Counter]
    private let media: [Source: Counter]

    /// What became of a question what the store lists.
    enum Lookup: String, CaseIterable {
        case failed, found, nothing
    }

    /// Where old media came from, or why it did not.
    enum Source: String, CaseIterable {
        case absent, busy, disk, failed, memory, missing, store
    }

    /// The handles in `registry`.
    public init(_ registry: MetricRegistry) {
        histories = registry.gauge(Self.historyFamily)
        memory = registry.gauge(Self.memoryFamily)
        lookups = Dictionary(
            uniqueKeysWithValues: Lookup.allCases.map { ($0, registry.counter(Self.lookupFamily, $0.rawValue)) })
        media = Dictionary(
            uniqueKeysWithValues: Source.allCases.map { ($0, registry.counter(Self.mediaFamily, $0.rawValue)) })
    }

    func looked(_ outcome: Lookup) { lookups[outcome]?.add() }

    func gave(_ source: Source) { media[source]?.add() }

    /// What is declared.
    public static let families = [historyFamily, memoryFamily, lookupFamily, mediaFamily]

    private static let historyFamily = MetricFamily(
        "millrace_dvr_histories", .gauge, help: "Renditions of which it is known what the store lists.")
    private static let memoryFamily = MetricFamily(
        "millrace_dvr_memory_bytes", .gauge, unit: .bytes, help: "What old media in memory takes.")
    private static let lookupFamily = MetricFamily(
        "millrace_dvr_lookups_total", .counter, labels: [.oneOf("outcome", Lookup.allCases.map(\.rawValue))],
        help: "Questions what the store lists of a rendition, by outcome.")
    private static let mediaFamily = MetricFamily(
        "millrace_dvr_media_total", .counter, labels: [.oneOf("source", Source.allCases.map(\.rawValue))],
        help: "Old segments and init sections asked for, by where they came from; many who ask at once count once.")
}
