// SPDX-License-Identifier: Apache-2.0

import RTP
import SecureMedia
public import Telemetry
import WebRTC

/// What sessions over UDP count.
public struct RealTimeMetrics: Sendable {
    let unconnected: Gauge
    let connectTime: Histogram
    let packetsSent: Counter
    let bytesSent: Counter
    let repairs: Counter
    let repairsImpossible: Counter
    let packetsReceived: Counter
    let packetsLost: Counter
    let groupsSkipped: Counter
    let forwarded: Counter
    /// Layers that publishers may send.
    let layers: Gauge
    private let layerSwitches: (up: Counter, down: Counter)
    private let sessions: [SignalingProtocol: Gauge]
    private let offers: [String: Counter]
    private let ends: [SessionEnd: Counter]
    private let drops: [String: Counter]
    private let unitDrops: [String: Counter]
    private let pictures: [String: Counter]

    /// The handles in `registry`.
    public init(_ registry: MetricRegistry) {
        unconnected = registry.gauge(Self.unconnectedFamily)
        connectTime = registry.histogram(Self.connectFamily)
        packetsSent = registry.counter(Self.packetsSentFamily)
        bytesSent = registry.counter(Self.bytesSentFamily)
        repairs = registry.counter(Self.repairsFamily, "sent")
        repairsImpossible = registry.counter(Self.repairsFamily, "impossible")
        packetsReceived = registry.counter(Self.packetsReceivedFamily)
        packetsLost = registry.counter(Self.packetsLostFamily)
        groupsSkipped = registry.counter(Self.groupsSkippedFamily)
        forwarded = registry.counter(Self.forwardedFamily)
        layers = registry.gauge(Self.layersFamily)
        layerSwitches = (
            registry.counter(Self.layerSwitchesFamily, "up"), registry.counter(Self.layerSwitchesFamily, "down")
        )
        sessions = Dictionary(
            uniqueKeysWithValues: SignalingProtocol.allCases.map {
                ($0, registry.gauge(Self.sessionsFamily, $0.rawValue))
            })
        offers = Dictionary(
            uniqueKeysWithValues: SignalingProtocol.allCases.flatMap { kind in
                Self.statuses.map { (kind.rawValue + $0, registry.counter(Self.offersFamily, kind.rawValue, $0)) }
            })
        ends = Dictionary(
            uniqueKeysWithValues: SessionEnd.allCases.map { ($0, registry.counter(Self.endsFamily, $0.rawValue)) })
        drops = Dictionary(uniqueKeysWithValues: Self.drops.map { ($0, registry.counter(Self.dropsFamily, $0)) })
        unitDrops = Dictionary(
            uniqueKeysWithValues: Self.unitDrops.map { ($0, registry.counter(Self.unitDropsFamily, $0)) })
        pictures = Dictionary(
            uniqueKeysWithValues: Self.pictures.map { ($0, registry.counter(Self.picturesFamily, $0)) })
    }

    /// What a publisher's packets were not good for, since the last time.
    func ignored(_ now: MediaFromRTP.Ignored, since before: MediaFromRTP.Ignored) {
        pictures["before_random_access"]?.add(now.beforeRandomAccess - before.beforeRandomAccess)
        pictures["lost"]?.add(now.lost - before.lost)
        pictures["malformed"]?.add(now.malformed - before.malformed)
    }

    /// The same of datagrams that came with its keys.
    func ignored(_ now: RTPReceiverSession.Ignored, since before: RTPReceiverSession.Ignored) {
        drops["malformed"]?.add(now.malformed - before.malformed)
        drops["unnegotiated"]?.add(now.unknown - before.unknown)
    }

    func sessions(_ kind: SignalingProtocol, _ change: Int) { sessions[kind]?.add(change) }

    func offered(_ kind: SignalingProtocol, status: Int) {
        (offers[kind.rawValue + String(status)] ?? offers[kind.rawValue + "other"])?.add()
    }

    func ended(_ end: SessionEnd) { ends[end]?.add() }

    func dropped(_ reason: String) { drops[reason]?.add() }

    func dropped(_ failure: SRTPFailure) { drops["srtp_" + Self.label(failure)]?.add() }

    /// A viewer was led over to another layer.
    func layerSwitched(isLarger: Bool) { (isLarger ? layerSwitches.up : layerSwitches.down).add() }

    func unitDropped(_ reason: String) { unitDrops[reason]?.add() }

    private static func label(_ failure: SRTPFailure) -> String {
        switch failure {
        case .forged: "forged"
        case .indexUnusable: "index_unusable"
        case .keyExhausted: "key_exhausted"
        case .malformed: "malformed"
        case .replayed: "replayed"
        case .tooManyStreams: "too_many_streams"
        }
    }
}

extension RealTimeMetrics {
    private static let statuses = [
        "201", "307", "400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "429", "503", "other",
    ]
    private static let drops =
        ICERefusal.allCases.map { "stun_" + $0.counterName } + SRTPFailure.allCases.map { "srtp_" + label($0) }
        + [
            "before_keys", "malformed", "stranger", "stream_full", "stream_malformed", "stream_silent",
            "stun_malformed", "unknown", "unnegotiated", "unwanted",
        ]
    private static let unitDrops = ["awaits_random_access", "backwards", "malformed", "refused", "reordered"]

    private static let pictures = ["before_random_access", "lost", "malformed"]

    private static let sessionsFamily = MetricFamily(
        "millrace_webrtc_sessions", .gauge,
        labels: [.oneOf("protocol", SignalingProtocol.allCases.map(\.rawValue))], help: "Sessions connected now.")
    private static let unconnectedFamily = MetricFamily(
        "millrace_webrtc_unconnected_sessions", .gauge, help: "Sessions that were asked for and are not connected yet.")
    private static let connectFamily = MetricFamily(
        "millrace_webrtc_connect_seconds",
        .histogram(
            .durations([
                .milliseconds(10), .milliseconds(30), .milliseconds(100), .milliseconds(300), .seconds(1), .seconds(3),
            ])),
        unit: .seconds, help: "From the answer to an offer to the keys of its session.")
    private static let offersFamily = MetricFamily(
        "millrace_webrtc_offers_total", .counter,
        labels: [
            .oneOf("protocol", SignalingProtocol.allCases.map(\.rawValue)), .oneOf("status", statuses),
        ], help: "Offers answered, by protocol and status.")
    private static let endsFamily = MetricFamily(
        "millrace_webrtc_sessions_ended_total", .counter,
        labels: [.oneOf("reason", SessionEnd.allCases.map(\.rawValue))], help: "Sessions that ended, by reason.")
    private static let dropsFamily = MetricFamily(
        "millrace_webrtc_datagrams_dropped_total", .counter, labels: [.oneOf("reason", drops)],
        help: "Datagrams that were dropped without an answer, by reason.")
    private static let unitDropsFamily = MetricFamily(
        "millrace_webrtc_units_dropped_total", .counter, labels: [.oneOf("reason", unitDrops)],
        help: "Access units that were not sent to WHEP viewers, by reason, once a thread.")
    private static let packetsSentFamily = MetricFamily(
        "millrace_webrtc_packets_sent_total", .counter, help: "RTP packets sent to viewers.")
    /// What a node sends to viewers by WebRTC, of which it is told how much of it is in use.
    public static let bytesSentFamily = MetricFamily(
        "millrace_webrtc_sent_bytes_total", .counter, unit: .bytes, help: "Bytes of RTP sent to viewers.")
    private static let repairsFamily = MetricFamily(
        "millrace_webrtc_repairs_total", .counter, labels: [.oneOf("outcome", ["impossible", "sent"])],
        help: "Packets that viewers asked for again: sent, or impossible because they are gone or nothing was agreed.")
    private static let packetsReceivedFamily = MetricFamily(
        "millrace_webrtc_packets_received_total", .counter, help: "RTP packets taken from publishers.")
    private static let packetsLostFamily = MetricFamily(
        "millrace_webrtc_packets_lost_total", .counter, help: "RTP packets of publishers that never came.")
    private static let picturesFamily = MetricFamily(
        "millrace_webrtc_pictures_ignored_total", .counter, labels: [.oneOf("reason", pictures)],
        help: "Pictures of publishers that never came whole, came behind such a one, or made no sense, by reason.")
    private static let groupsSkippedFamily = MetricFamily(
        "millrace_webrtc_groups_skipped_total", .counter,
        help: "Groups of pictures that viewers lost because they fell behind what is kept.")
    private static let forwardedFamily = MetricFamily(
        "millrace_webrtc_datagrams_forwarded_total", .counter,
        help: "Datagrams that came to another thread than their session's and were handed over.")

    private static let layersFamily = MetricFamily(
        "millrace_webrtc_publisher_layers", .gauge, help: "Layers of simulcast that publishers have agreed to send now."
    )
    private static let layerSwitchesFamily = MetricFamily(
        "millrace_webrtc_layer_switches_total", .counter, labels: [.oneOf("direction", ["down", "up"])],
        help: "Times that a viewer was led over to a smaller or a larger layer.")

    /// What is declared.
    public static let families =
        [
            sessionsFamily, unconnectedFamily, connectFamily, offersFamily, endsFamily, dropsFamily, unitDropsFamily,
            packetsSentFamily, bytesSentFamily, repairsFamily, packetsReceivedFamily, packetsLostFamily,
            picturesFamily, groupsSkippedFamily, forwardedFamily, layersFamily, layerSwitchesFamily,
        ] + TranscoderMetrics.families
}

/// Why a session ended, as the label says it.
enum SessionEnd: String, Sendable, CaseIterable {
    case codecChanged = "codec_changed"
    case consent
    case cut
    case deleted
    case handshake
    case left
    case neverChecked = "never_checked"
    case neverNominated = "never_nominated"
    case shutdown
    case stalled
    case streamOver = "stream_over"

    init(_ expiry: ICEExpiry) {
        switch expiry {
        case .consent: self = .consent
        case .neverChecked: self = .neverChecked
        case .neverNominated: self = .neverNominated
        }
    }
}
