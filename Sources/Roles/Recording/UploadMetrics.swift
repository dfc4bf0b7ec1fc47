// SPDX-License-Identifier: Apache-2.0

public import Telemetry

/// What a node measures of its uploads.
public struct UploadMetrics: Sendable {
    private let lag: Histogram
    private let gaps: Counter
    private let losses: Counter
    private let parts: [PartOutcome: Counter]
    private let troubles: Gauge

    /// What becomes of a part.
    enum PartOutcome: String, CaseIterable {
        /// The store has it.
        case stored
        /// It was of no use any more before the store had it.
        case dropped
        /// It was deleted from the store.
        case removed
    }

    /// The handles in `registry`.
    public init(_ registry: MetricRegistry) {
        lag = registry.histogram(Self.lagFamily)
        gaps = registry.counter(Self.gapFamily)
        losses = registry.counter(Self.lostFamily)
        parts = Dictionary(
            uniqueKeysWithValues: PartOutcome.allCases.map { ($0, registry.counter(Self.partFamily, $0.rawValue)) })
        troubles = registry.gauge(Self.troubledFamily)
    }

    func stored(after time: Duration) { lag.observe(time) }

    func gap() { gaps.add() }

    func lost() { losses.add() }

    func part(_ outcome: PartOutcome) { parts[outcome]?.add() }

    func troubled(_ isTroubled: Bool) { troubles.add(isTroubled ? 1 : -1) }

    /// All families, for the registry.
    public static let families = [gapFamily, lagFamily, lostFamily, partFamily, troubledFamily]

    private static let lagFamily = MetricFamily(
        "millrace_upload_lag_seconds",
        .histogram(
            .durations([
                .milliseconds(20), .milliseconds(50), .milliseconds(100), .milliseconds(250), .milliseconds(500),
                .seconds(1), .seconds(2), .seconds(5), .seconds(30),
            ])),
        unit: .seconds, help: "Time from the end of a segment until the object store has it.")
    private static let gapFamily = MetricFamily(
        "millrace_upload_gaps_total", .counter, help: "Segments that the store's playlists list as missing.")
    private static let lostFamily = MetricFamily(
        "millrace_upload_lost_total", .counter,
        help: "Segments that are lost for the store, because there was no room to hold them any longer.")
    private static let partFamily = MetricFamily(
        "millrace_upload_parts_total", .counter,
        labels: [.oneOf("outcome", PartOutcome.allCases.map(\.rawValue))],
        help: "Parts of segments that were stored, dropped because they were of no use any more, and removed again.")
    private static let troubledFamily = MetricFamily(
        "millrace_upload_troubled", .gauge,
        help: "Streams of this node whose playlists in the object store should come further and do not.")
}
