// SPDX-License-Identifier: Apache-2.0

import Media
public import RTMP
public import Telemetry
import Transport

/// What replicas count.
public struct ReplicaMetrics: Sendable {
    let parts: Counter
    let segments: Counter
    private let ages: [MediaHop: Histogram]

    /// The counters in `registry`.
    public init(_ registry: MetricRegistry) {
        parts = registry.counter(Self.partsFamily)
        segments = registry.counter(Self.segmentsFamily)
        ages = Dictionary(
            uniqueKeysWithValues: MediaHop.allCases.map { ($0, registry.histogram(Self.ageFamily, $0.rawValue)) })
    }

    /// Media passes a hop now whose first picture was at `date`, by the dates of its stream.
    func passed(_ hop: MediaHop, since date: WallTime) {
        let age = SystemClock.wall().milliseconds &- date.milliseconds
        ages[hop]?.observe(.milliseconds(max(0, age)))
    }

    private static let partsFamily = MetricFamily(
        "millrace_feed_parts_total", .counter, help: "Parts committed to the windows of this node.")
    private static let segmentsFamily = MetricFamily(
        "millrace_feed_segments_total", .counter, help: "Segments closed in the windows of this node.")

    private static let ageFamily = MetricFamily(
        "millrace_media_age_seconds",
        .histogram(
            .durations([
                .milliseconds(10), .milliseconds(25), .milliseconds(50), .milliseconds(100), .milliseconds(200),
                .milliseconds(300), .milliseconds(400), .milliseconds(500), .milliseconds(750), .seconds(1),
                .milliseconds(1500), .seconds(2), .seconds(3), .seconds(5), .seconds(10),
            ])),
        unit: .seconds, labels: [.oneOf("hop", MediaHop.allCases.map(\.rawValue))],
        help: "Time from a part's first picture, by the dates of its stream, until the part passes a hop.")

    /// What is declared.
    public static let families = [partsFamily, segmentsFamily, ageFamily]
}

/// What RTMP connections count.
public struct RTMPMetrics: Sendable {
    let bytesReceived: Counter
    let bytesSent: Counter
    let reconnectRequests: Counter
    private let failures: [String: Counter]
    private let closes: [String: Counter]

    /// The counters in `registry`.
    public init(_ registry: MetricRegistry) {
        bytesReceived = registry.counter(Self.receivedFamily)
        bytesSent = registry.counter(Self.sentFamily)
        reconnectRequests = registry.counter(Self.reconnectFamily)
        failures = Dictionary(
            uniqueKeysWithValues: RTMPFailure.counterNames.map { ($0, registry.counter(Self.failureFamily, $0)) })
        closes = Dictionary(
            uniqueKeysWithValues: CloseReason.counterNames.map { ($0, registry.counter(Self.closeFamily, $0)) })
    }

    func refused(_ failure: RTMPFailure) { failures[failure.counterName]?.add() }

    func closed(_ reason: CloseReason) { closes[reason.counterName]?.add() }

    /// Bytes read.
    public static let receivedFamily = MetricFamily(
        "millrace_rtmp_received_bytes_total", .counter, unit: .bytes, help: "Bytes read from RTMP connections.")
    /// Bytes written.
    public static let sentFamily = MetricFamily(
        "millrace_rtmp_sent_bytes_total", .counter, unit: .bytes, help: "Bytes written to RTMP connections.")
    private static let reconnectFamily = MetricFamily(
        "millrace_rtmp_reconnect_requests_total", .counter,
        help: "Peers asked to reconnect, which understood it (Enhanced RTMP 2).")
    private static let failureFamily = MetricFamily(
        "millrace_rtmp_failures_total", .counter, labels: [.oneOf("reason", RTMPFailure.counterNames)],
        help: "RTMP connections ended for what the peer sent, by reason.")
    private static let closeFamily = MetricFamily(
        "millrace_rtmp_closes_total", .counter, labels: [.oneOf("reason", CloseReason.counterNames)],
        help: "RTMP connections that we closed in good order, by reason.")

    /// What is declared.
    public static let families = [receivedFamily, sentFamily, reconnectFamily, failureFamily, closeFamily]
}

extension RTMPFailure {
    fileprivate static let counterNames = [
        "chunk_format", "chunk_size", "chunk_streams", "commands", "foreign_protocol_http", "foreign_protocol_proxy",
        "foreign_protocol_tls", "malformed_amf", "malformed_message", "message_length", "no_parameters", "parameters",
        "partial_messages", "unread_answers", "unsupported_codec", "version",
    ]
}

extension CloseReason {
    fileprivate static let counterNames = [
        "refused", "requested", "timeout_command", "timeout_handshake", "timeout_play", "timeout_publish",
    ]
}
