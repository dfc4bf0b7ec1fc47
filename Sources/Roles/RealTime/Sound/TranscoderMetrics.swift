// SPDX-License-Identifier: Apache-2.0

import Telemetry

/// What the programs that transcode sound count.
struct TranscoderMetrics: Sendable {
    let running: Gauge
    let starts: Counter
    let unitsDropped: Counter
    let delay: Histogram
    let silentAnswers: Counter
    private let ends: [TranscoderEnd: Counter]

    /// The handles in `registry`.
    init(_ registry: MetricRegistry) {
        running = registry.gauge(Self.runningFamily)
        starts = registry.counter(Self.startsFamily)
        unitsDropped = registry.counter(Self.unitsDroppedFamily)
        delay = registry.histogram(Self.delayFamily)
        silentAnswers = registry.counter(Self.silentAnswersFamily)
        ends = Dictionary(
            uniqueKeysWithValues: TranscoderEnd.allCases.map { ($0, registry.counter(Self.endsFamily, $0.rawValue)) })
    }

    func ended(_ end: TranscoderEnd) { ends[end]?.add() }

    private static let runningFamily = MetricFamily(
        "millrace_webrtc_transcoders", .gauge, help: "Programs that transcode a stream's sound now.")
    private static let startsFamily = MetricFamily(
        "millrace_webrtc_transcoder_starts_total", .counter, help: "Programs that were started to transcode sound.")
    private static let endsFamily = MetricFamily(
        "millrace_webrtc_transcoder_ends_total", .counter,
        labels: [.oneOf("reason", TranscoderEnd.allCases.map(\.rawValue))],
        help: "Programs that transcoded sound and ended, or did not start, by reason.")
    private static let unitsDroppedFamily = MetricFamily(
        "millrace_webrtc_transcoder_units_dropped_total", .counter,
        help: "Units of sound that a program did not take because it had not read the ones before.")
    private static let delayFamily = MetricFamily(
        "millrace_webrtc_transcoder_delay_seconds",
        .histogram(.durations([50, 75, 100, 150, 250, 500, 1000].map { .milliseconds($0) })),
        unit: .seconds, help: "From a sample's coming to its going on in another codec.")
    private static let silentAnswersFamily = MetricFamily(
        "millrace_webrtc_answers_without_sound_total", .counter,
        help: "Offers to hear a stream that were answered without its sound, as it could not be transcoded.")

    /// What is declared.
    static let families = [
        runningFamily, startsFamily, endsFamily, unitsDroppedFamily, delayFamily, silentAnswersFamily,
    ]
}

/// Why a program that transcoded sound ended.
enum TranscoderEnd: String, Sendable, CaseIterable {
    /// The sound changed, and another program goes on.
    case changed
    case failed
    /// It gave nothing for what it was given, and was killed.
    case hung
    case unused
}
