// SPDX-License-Identifier: Apache-2.0

import Clustering
import Datagrams
import Edge
import Feed
import Origin
import PlainRTP
import RealTime
import Recording
import Replica
import Router
import SharedState
import Storage
package import Telemetry
import Transport
import WebServer

/// What listeners and the node itself count.
package struct NodeMetrics: Sendable {
    package let registry: MetricRegistry
    let uptime: Gauge
    let streams: Gauge
    let publishers: Gauge
    let reloads: Counter
    let process: ProcessMetrics
    let rtmpReceived: Counter
    private let rtmpSent: Counter
    private let mediaSent: Counter
    private let realTimeSent: Counter
    private let plainSent: Counter
    private let mendings: [Counter]

    init() {
        registry = MetricRegistry(
            families: ReplicaMetrics.families + RTMPMetrics.families + IngestMetrics.families + EdgeMetrics.families
                + ListenerMetrics.families + WebMetrics.families + ClusterMetrics.families + RelayMetrics.families
                + RouterMetrics.families + DeliveryMetrics.families + SteeringMetrics.families + RedisMetrics.families
                + DatagramMetrics.families
                + PlainRTPMetrics.families
                + RealTimeMetrics.families + RecordingMetrics.families + RewindMetrics.families + StoreMetrics.families
                + UploadMetrics.families + ProcessMetrics.families + CertificateMetrics.families
                + TracingMetrics.families
                + Self.families)
        rtmpReceived = registry.counter(RTMPMetrics.receivedFamily)
        rtmpSent = registry.counter(RTMPMetrics.sentFamily)
        mediaSent = registry.counter(WebMetrics.bytesFamily)
        realTimeSent = registry.counter(RealTimeMetrics.bytesSentFamily)
        plainSent = registry.counter(PlainRTPMetrics.bytesSentFamily)
        uptime = registry.gauge(Self.uptimeFamily)
        process = ProcessMetrics(registry)
        streams = registry.gauge(Self.streamsFamily)
        publishers = registry.gauge(Self.publishersFamily)
        reloads = registry.counter(Self.reloadsFamily)
        mendings = Mending.allCases.map { [registry] in registry.counter(Self.mendingsFamily, $0.rawValue) }
    }

    /// Bytes that went to viewers so far, by every protocol.
    var sentToViewers: Int { rtmpSent.value + mediaSent.value + realTimeSent.value + plainSent.value }

    func note(_ counters: SequencerCounters) {
        for (index, mending) in Mending.allCases.enumerated() {
            let count = counters[keyPath: mending.field]
            if count > 0 { mendings[index].add(Int(clamping: count)) }
        }
    }

    /// What sequencers mend, as the label says it.
    enum Mending: String, CaseIterable {
        case audioHole = "audio_hole"
        case audioOverlap = "audio_overlap"
        case clockJump = "clock_jump"
        case discontinuity
        case forcedCut = "forced_cut"
        case layerChange = "layer_change"
        case layerLost = "layer_lost"
        case partClosedByTimer = "part_closed_by_timer"
        case pictureMovedUp = "picture_moved_up"
        case timestampClamped = "timestamp_clamped"
        case unitBeforeRandomAccess = "unit_before_random_access"
        case unitOfAbsentLayer = "unit_of_absent_layer"
        case unitOfRefusedLayer = "unit_of_refused_layer"
        case unitWithoutParameters = "unit_without_parameters"

        var field: KeyPath<SequencerCounters, UInt64> {
            switch self {
            case .audioHole: \.audioHoles
            case .audioOverlap: \.audioOverlaps
            case .clockJump: \.clockJumps
            case .discontinuity: \.discontinuities
            case .forcedCut: \.forcedCuts
            case .layerChange: \.layerChanges
            case .layerLost: \.layersLost
            case .partClosedByTimer: \.partsClosedByTimer
            case .pictureMovedUp: \.picturesMovedUp
            case .timestampClamped: \.timestampsClamped
            case .unitBeforeRandomAccess: \.unitsBeforeRandomAccess
            case .unitOfAbsentLayer: \.unitsOfAbsentLayers
            case .unitOfRefusedLayer: \.unitsOfRefusedLayers
            case .unitWithoutParameters: \.unitsWithoutParameters
            }
        }
    }

    private static let uptimeFamily = MetricFamily(
        "millrace_uptime_seconds", .gauge, unit: .seconds, help: "Since the process began.")
    private static let streamsFamily = MetricFamily(
        "millrace_streams", .gauge, help: "Streams that this node is the gateway of.")
    private static let publishersFamily = MetricFamily(
        "millrace_publishers", .gauge, help: "Publishers connected now.")
    private static let reloadsFamily = MetricFamily(
        "millrace_certificate_reloads_total", .counter, help: "Certificates taken anew from their files.")
    private static let mendingsFamily = MetricFamily(
        "millrace_feed_mendings_total", .counter, labels: [.oneOf("kind", Mending.allCases.map(\.rawValue))],
        help: "What had to be mended in publishers' media, by kind.")
    private static let families = [
        uptimeFamily, streamsFamily, publishersFamily, reloadsFamily, mendingsFamily,
    ]
}

/// What a listener counts.
struct ListenerMetrics: TransportObserver {
    private let accepted: Counter
    private let open: Gauge
    private let refused: [ConnectionRefusal: Counter]
    private let failed: [HandshakeFailure: Counter]

    /// - Parameter listener: which of them.
    init(_ registry: MetricRegistry, listener: String) {
        accepted = registry.counter(Self.acceptedFamily, listener)
        open = registry.gauge(Self.openFamily, listener)
        refused = Dictionary(
            uniqueKeysWithValues: ConnectionRefusal.allCases.map {
                ($0, registry.counter(Self.refusedFamily, listener, "\($0)"))
            })
        failed = Dictionary(
            uniqueKeysWithValues: HandshakeFailure.allCases.map {
                ($0, registry.counter(Self.failedFamily, listener, "\($0)"))
            })
    }

    func connectionAccepted() {
        accepted.add()
        open.add(1)
    }

    func connectionClosed() { open.add(-1) }

    func connectionRefused(_ reason: ConnectionRefusal) { refused[reason]?.add() }

    func handshakeFailed(_ reason: HandshakeFailure) { failed[reason]?.add() }

    private static let listener = MetricLabel.oneOf(
        "listener", ["agent", "gossip", "http", "relay", "rtmp", "rtmps", "webrtc"])
    private static let acceptedFamily = MetricFamily(
        "millrace_connections_accepted_total", .counter, labels: [listener], help: "Connections taken, by listener.")
    private static let openFamily = MetricFamily(
        "millrace_connections", .gauge, labels: [listener], help: "Connections open now, by listener.")
    private static let refusedFamily = MetricFamily(
        "millrace_connections_refused_total", .counter,
        labels: [listener, .oneOf("reason", ConnectionRefusal.allCases.map { "\($0)" })],
        help: "Connections closed before their first byte, by listener and reason.")
    private static let failedFamily = MetricFamily(
        "millrace_tls_handshakes_failed_total", .counter,
        labels: [listener, .oneOf("reason", HandshakeFailure.allCases.map { "\($0)" })],
        help: "TLS handshakes that did not come to their end, by listener and reason.")

    static let families = [acceptedFamily, openFamily, refusedFamily, failedFamily]
}

/// What the HTTP port counts.
struct WebMetrics: WebObserver, TransportObserver {
    private let listener: ListenerMetrics
    private let answers: [Int: Counter]
    private let otherAnswers: Counter
    private let bytes: Counter
    private let refusals: [RequestRefusal: Counter]
    private let timeouts: [WebTimeout: Counter]
    private let handovers: [HTTPVersion: Counter]
    private let cancels: Counter

    init(_ registry: MetricRegistry) {
        listener = ListenerMetrics(registry, listener: "http")
        answers = Dictionary(
            uniqueKeysWithValues: Self.statuses.map { ($0, registry.counter(Self.answersFamily, String($0))) })
        otherAnswers = registry.counter(Self.answersFamily, "other")
        bytes = registry.counter(Self.bytesFamily)
        refusals = Dictionary(
            uniqueKeysWithValues: RequestRefusal.allCases.map { ($0, registry.counter(Self.refusedFamily, "\($0)")) })
        timeouts = Dictionary(
            uniqueKeysWithValues: WebTimeout.allCases.map { ($0, registry.counter(Self.timeoutFamily, "\($0)")) })
        handovers = Dictionary(
            uniqueKeysWithValues: HTTPVersion.allCases.map { ($0, registry.counter(Self.handoverFamily, "\($0)")) })
        cancels = registry.counter(Self.cancelFamily)
    }

    func answered(status: Int, bytes count: Int, version: HTTPVersion) {
        (answers[status] ?? otherAnswers).add()
        bytes.add(count)
    }

    func streamed(_ count: Int) { bytes.add(count) }

    func refused(_ refusal: RequestRefusal) { refusals[refusal]?.add() }

    func cancelled() { cancels.add() }

    func timedOut(_ timeout: WebTimeout) { timeouts[timeout]?.add() }

    func handedOver(_ version: HTTPVersion) { handovers[version]?.add() }

    func connectionAccepted() { listener.connectionAccepted() }

    func connectionClosed() { listener.connectionClosed() }

    func connectionRefused(_ reason: ConnectionRefusal) { listener.connectionRefused(reason) }

    func handshakeFailed(_ reason: HandshakeFailure) { listener.handshakeFailed(reason) }

    private static let statuses = [200, 204, 206, 304, 400, 401, 403, 404, 416, 503]
    private static let answersFamily = MetricFamily(
        "millrace_http_media_answers_total", .counter,
        labels: [.oneOf("status", statuses.map { String($0) } + ["other"])],
        help: "Requests for media answered, by status.")
    static let bytesFamily = MetricFamily(
        "millrace_http_media_sent_bytes_total", .counter, unit: .bytes, help: "Bytes of media and playlists sent.")
    private static let refusedFamily = MetricFamily(
        "millrace_http_refusals_total", .counter,
        labels: [.oneOf("reason", RequestRefusal.allCases.map { "\($0)" })],
        help: "Requests refused before anyone looked at what they ask for, by reason.")
    private static let timeoutFamily = MetricFamily(
        "millrace_http_timeouts_total", .counter, labels: [.oneOf("kind", WebTimeout.allCases.map { "\($0)" })],
        help: "HTTP connections closed for being too slow, by kind.")
    private static let handoverFamily = MetricFamily(
        "millrace_http_handovers_total", .counter, labels: [.oneOf("version", HTTPVersion.allCases.map { "\($0)" })],
        help: "Connections and streams that went over to page and API.")
    private static let cancelFamily = MetricFamily(
        "millrace_http_cancelled_total", .counter, help: "Viewers who went away with a request open.")

    static let families = [answersFamily, bytesFamily, refusedFamily, timeoutFamily, handoverFamily, cancelFamily]
}
