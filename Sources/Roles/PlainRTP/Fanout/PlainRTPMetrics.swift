// SPDX-License-Identifier: Apache-2.0

public import Telemetry

/// What plain RTP counts.
public struct PlainRTPMetrics: Sendable {
    private let packetsReceived: Counter
    private let bytesReceived: Counter
    private let packetsSent: Counter
    private let bytesSent: Counter
    private let delay: Histogram
    private let refusals: [Counter]
    private let sessions: Gauge
    private let subscribers: Gauge
    private let branches: Gauge
    private let elsewhere: Gauge
    private let relayed: Counter
    private let dropped: Counter
    private let moves: [Counter]
    private let expired: Counter
    private let probes: Counter
    private let answers: Counter
    private let calls: [Counter]

    /// The handles of a registry that declares ``families``.
    public init(_ registry: MetricRegistry) {
        packetsReceived = registry.counter(Self.packetsReceivedFamily)
        bytesReceived = registry.counter(Self.bytesReceivedFamily)
        packetsSent = registry.counter(Self.packetsSentFamily)
        bytesSent = registry.counter(Self.bytesSentFamily)
        delay = registry.histogram(Self.delayFamily)
        refusals = PacketRefusal.allCases.map { registry.counter(Self.refusalsFamily, $0.rawValue) }
        sessions = registry.gauge(Self.sessionsFamily)
        subscribers = registry.gauge(Self.subscribersFamily)
        branches = registry.gauge(Self.branchesFamily)
        elsewhere = registry.gauge(Self.elsewhereFamily)
        relayed = registry.counter(Self.relayedFamily)
        dropped = registry.counter(Self.droppedFamily)
        moves = SubscriberMove.allCases.map { registry.counter(Self.movesFamily, $0.rawValue) }
        expired = registry.counter(Self.expiredFamily)
        probes = registry.counter(Self.probesFamily)
        answers = registry.counter(Self.answersFamily)
        calls = CallOutcome.allCases.map { registry.counter(Self.callsFamily, $0.rawValue) }
    }

    func forwarded(received: (packets: Int, bytes: Int), sent: (packets: Int, bytes: Int), delay: Duration) {
        packetsReceived.add(received.packets)
        bytesReceived.add(received.bytes)
        packetsSent.add(sent.packets)
        bytesSent.add(sent.bytes)
        self.delay.observe(delay)
    }

    func refused(_ reason: PacketRefusal) { refusals[reason.index].add() }

    func holds(sessions: Int, branches: Int, subscribers: Int) {
        self.sessions.set(sessions)
        self.branches.set(branches)
        self.subscribers.set(subscribers)
    }

    /// Other nodes send to so many.
    func holds(elsewhere count: Int) { elsewhere.set(count) }

    /// One whose node was lost is sent to by another.
    func movedSubscriber() { moves[SubscriberMove.moved.index].add() }

    /// For one of them no node had room.
    func droppedSubscriber() { moves[SubscriberMove.dropped.index].add() }

    /// Packets were handed to branches at other nodes.
    func relayed(_ packets: Int) { relayed.add(packets) }

    /// Packets were not, or a branch here could not take them.
    func dropped(_ packets: Int) { dropped.add(packets) }

    func expired(_ count: Int) { expired.add(count) }

    func probed() { probes.add() }

    func answered() { answers.add() }

    func called(_ outcome: CallOutcome) { calls[outcome.index].add() }

    /// The declarations.
    public static let families = [
        packetsReceivedFamily, bytesReceivedFamily, packetsSentFamily, bytesSentFamily, delayFamily, refusalsFamily,
        sessionsFamily, subscribersFamily, branchesFamily, elsewhereFamily, relayedFamily, droppedFamily, movesFamily,
        expiredFamily, probesFamily, answersFamily, callsFamily,
    ]

    private static let packetsReceivedFamily = MetricFamily(
        "millrace_rtp_packets_received_total", .counter, help: "Packets of sessions, RTCP of their sources with them.")
    private static let bytesReceivedFamily = MetricFamily(
        "millrace_rtp_received_bytes_total", .counter, unit: .bytes, help: "Bytes of those packets.")
    private static let packetsSentFamily = MetricFamily(
        "millrace_rtp_packets_sent_total", .counter, help: "Packets to subscribers.")
    /// What a node sends to subscribers of plain RTP, of which it is told how much of it is in use.
    public static let bytesSentFamily = MetricFamily(
        "millrace_rtp_sent_bytes_total", .counter, unit: .bytes, help: "Bytes of those packets.")
    private static let delayFamily = MetricFamily(
        "millrace_rtp_fanout_delay_seconds",
        .histogram(.durations([0.0001, 0.0003, 0.001, 0.002, 0.003, 0.005, 0.01, 0.03, 0.1].map { .seconds($0) })),
        unit: .seconds, help: "From a packet's arrival to its sending, of the first packet of each burst.")
    private static let refusalsFamily = MetricFamily(
        "millrace_rtp_packets_refused_total", .counter,
        labels: [.oneOf("reason", PacketRefusal.allCases.map(\.rawValue))], help: "Packets that were not forwarded.")
    private static let sessionsFamily = MetricFamily("millrace_rtp_sessions", .gauge, help: "Sessions of plain RTP.")
    private static let subscribersFamily = MetricFamily(
        "millrace_rtp_subscribers", .gauge,
        help: "Subscribers of all sessions and branches here, those with them that did not answer yet.")
    private static let branchesFamily = MetricFamily(
        "millrace_rtp_branches", .gauge, help: "Branches here of sessions of other nodes.")
    private static let elsewhereFamily = MetricFamily(
        "millrace_rtp_subscribers_elsewhere", .gauge,
        help: "Subscribers of sessions of this node that other nodes send to.")
    private static let relayedFamily = MetricFamily(
        "millrace_rtp_packets_relayed_total", .counter, help: "Packets to branches at other nodes, each once.")
    private static let droppedFamily = MetricFamily(
        "millrace_rtp_relay_dropped_packets_total", .counter,
        help: "Packets that a branch did not get, as a connection or a thread took no more.")
    private static let movesFamily = MetricFamily(
        "millrace_rtp_subscribers_moved_total", .counter,
        labels: [.oneOf("outcome", SubscriberMove.allCases.map(\.rawValue))],
        help: "Subscribers whose node was lost: sent to by another, or dropped since no node had room.")
    private static let expiredFamily = MetricFamily(
        "millrace_rtp_sessions_expired_total", .counter, help: "Sessions that ended since no packet came.")
    private static let probesFamily = MetricFamily(
        "millrace_rtp_probes_sent_total", .counter, help: "Questions to subscribers whether they want packets.")
    private static let answersFamily = MetricFamily(
        "millrace_rtp_probes_answered_total", .counter, help: "Answers that were right.")
    private static let callsFamily = MetricFamily(
        "millrace_grpc_calls_total", .counter, labels: [.oneOf("outcome", CallOutcome.allCases.map(\.rawValue))],
        help: "Calls of the gRPC API, by how they ended.")
}

/// Why a packet was not forwarded.
enum PacketRefusal: String, CaseIterable {
    /// Neither RTP nor RTCP.
    case malformed
    /// RTCP that is of no session: a receiver's report, as a rule.
    case strangeReport = "strange_report"
    /// Longer than any that is forwarded.
    case tooLong = "too_long"
    /// Of no session.
    case unknownSource = "unknown_source"
    /// Of a session, and not from its source.
    case wrongSource = "wrong_source"

    var index: Int {
        switch self {
        case .malformed: 0
        case .strangeReport: 1
        case .tooLong: 2
        case .unknownSource: 3
        case .wrongSource: 4
        }
    }
}

/// What became of a subscriber whose node was lost.
enum SubscriberMove: String, CaseIterable {
    /// No node had room.
    case dropped
    /// Another sends to it.
    case moved

    var index: Int {
        switch self {
        case .dropped: 0
        case .moved: 1
        }
    }
}

/// How a call of the API ended.
enum CallOutcome: String, CaseIterable {
    /// The caller may not.
    case denied
    /// The call was wrong, or went beyond a limit.
    case failed
    /// It was done.
    case ok

    var index: Int {
        switch self {
        case .denied: 0
        case .failed: 1
        case .ok: 2
        }
    }
}
