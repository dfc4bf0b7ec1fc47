// SPDX-License-Identifier: Apache-2.0

public import Telemetry

/// What a node measures of its uploads.
public struct UploadMetrics: Sendable {
    private let lag: Histogram
    private let gaps: Counter
    private let losses: Counter
    private let troubles: Gauge

    /// The handles in `registry`.
    public init(_ registry: MetricRegistry) {
        lag = registry.histogram(Self.lagFamily)
        gaps = registry.counter(Self.gapFamily)
        losses = registry.counter(Self.lostFamily)
        troubles = registry.gauge(Self.troubledFamily)
    }

    func stored(after time: Duration) { lag.observe(time) }

    func gap() { gaps.add() }

    func lost() { losses.add() }

    func troubled(_ isTroubled: Bool) { troubles.add(isTroubled ? 1 : -1) }

    /// All families, for the registry.
    public static let families = [gapFamily, lagFamily, lostFamily, troubledFamily]

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
    private static let troubledFamily = MetricFamily(
        "millrace_upload_troubled", .gauge,
        help: "Streams of this node whose playlists in the object store should come further and do not.")
}
