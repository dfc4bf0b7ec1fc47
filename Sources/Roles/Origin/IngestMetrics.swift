// SPDX-License-Identifier: Apache-2.0

import Feed
import RTMP
public import Telemetry

/// What ingests count.
public struct IngestMetrics: Sendable {
    let publishersCame: Counter
    let publishersLeft: Counter
    private let messages: [MediaKind: Counter]
    private let refusals: [String: Counter]

    /// The counters in `registry`.
    public init(_ registry: MetricRegistry) {
        publishersCame = registry.counter(Self.cameFamily)
        publishersLeft = registry.counter(Self.leftFamily)
        messages = [
            .audio: registry.counter(Self.messagesFamily, "audio"),
            .data: registry.counter(Self.messagesFamily, "data"),
            .video: registry.counter(Self.messagesFamily, "video"),
        ]
        refusals = Dictionary(
            uniqueKeysWithValues: Self.refusals.map { ($0, registry.counter(Self.refusedFamily, $0)) })
    }

    func received(_ message: MediaMessage) { messages[message.kind]?.add() }

    func refused(_ reason: String) { refusals[reason]?.add() }

    private static let refusals = ["access", "cut_off", "name", "name_is_live", "shutting_down", "too_many"]
    private static let cameFamily = MetricFamily(
        "millrace_publishers_came_total", .counter, help: "Publishers let in.")
    private static let leftFamily = MetricFamily(
        "millrace_publishers_left_total", .counter, help: "Publishers that ended or were lost.")
    private static let messagesFamily = MetricFamily(
        "millrace_ingest_messages_total", .counter, labels: [.oneOf("kind", ["audio", "data", "video"])],
        help: "Messages taken from publishers.")
    private static let refusedFamily = MetricFamily(
        "millrace_publishers_refused_total", .counter, labels: [.oneOf("reason", refusals)],
        help: "Publishers not let in, by reason.")

    /// What is declared.
    public static let families = [cameFamily, leftFamily, messagesFamily, refusedFamily]
}
