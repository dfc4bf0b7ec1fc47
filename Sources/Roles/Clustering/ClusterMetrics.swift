// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
public import Telemetry

/// What a node counts of its cluster.
public struct ClusterMetrics: Sendable {
    let packetsReceived: Counter
    let packetsSent: Counter
    let bytesReceived: Counter
    let bytesSent: Counter
    let sendFailures: Counter
    let malformed: Counter
    private let refusals: [SealFailure: Counter]
    private let changes: [MemberHealth: Counter]
    private let members: [MemberHealth: Gauge]
    private let streams: Gauge
    private let refuted: Counter
    private let conflicts: Counter
    private let pauses: Counter
    private let leftOut: Counter
    private let refusedByPeers: Counter

    /// The handles in `registry`.
    public init(_ registry: MetricRegistry) {
        packetsReceived = registry.counter(Self.packetFamily, "in")
        packetsSent = registry.counter(Self.packetFamily, "out")
        bytesReceived = registry.counter(Self.byteFamily, "in")
        bytesSent = registry.counter(Self.byteFamily, "out")
        sendFailures = registry.counter(Self.failureFamily)
        malformed = registry.counter(Self.malformedFamily)
        refusals = Dictionary(
            uniqueKeysWithValues: SealFailure.allCases.map { ($0, registry.counter(Self.refusalFamily, $0.label)) })
        changes = Dictionary(
            uniqueKeysWithValues: MemberHealth.allCases.map { ($0, registry.counter(Self.changeFamily, "\($0)")) })
        members = Dictionary(
            uniqueKeysWithValues: MemberHealth.allCases.map { ($0, registry.gauge(Self.memberFamily, "\($0)")) })
        streams = registry.gauge(Self.streamFamily)
        refuted = registry.counter(Self.reportFamily, "refuted")
        conflicts = registry.counter(Self.reportFamily, "name_conflict")
        refusedByPeers = registry.counter(Self.reportFamily, "refused")
        leftOut = registry.counter(Self.reportFamily, "directory_full")
        pauses = registry.counter(Self.reportFamily, "paused")
    }

    func refused(_ failure: SealFailure) { refusals[failure]?.add() }

    func changed(to health: MemberHealth) { changes[health]?.add() }

    func follow(_ view: ClusterView) {
        for health in MemberHealth.allCases {
            members[health]?.set(view.members.count { $0.health == health })
        }
        streams.set(view.streams.values.count { $0.state != .ended })
    }

    func told(_ report: GossipReport) {
        switch report {
        case .directoryFull: leftOut.add()
        case .nameConflict, .nameTaken: conflicts.add()
        case .paused: pauses.add()
        case .refuted: refuted.add()
        case .refused: refusedByPeers.add()
        }
    }

    /// All families, for the registry.
    public static let families = [
        byteFamily, changeFamily, failureFamily, malformedFamily, memberFamily, packetFamily, refusalFamily,
        reportFamily,
        streamFamily,
    ]

    private static let directions = MetricLabel.oneOf("direction", ["in", "out"])
    private static let healths = MetricLabel.oneOf("health", MemberHealth.allCases.map { "\($0)" })
    private static let packetFamily = MetricFamily(
        "millrace_gossip_packets_total", .counter, labels: [directions], help: "Datagrams of gossip.")
    private static let byteFamily = MetricFamily(
        "millrace_gossip_bytes_total", .counter, unit: .bytes, labels: [directions],
        help: "Bytes of gossip, datagrams and streams, without the headers of UDP and TCP.")
    private static let failureFamily = MetricFamily(
        "millrace_gossip_send_failures_total", .counter, help: "Datagrams that the machine refused to send.")
    private static let malformedFamily = MetricFamily(
        "millrace_gossip_malformed_total", .counter, help: "Messages of members that could not be read.")
    private static let refusalFamily = MetricFamily(
        "millrace_gossip_refused_total", .counter,
        labels: [.oneOf("reason", SealFailure.allCases.map(\.label))],
        help: "Packets and streams that were not opened, by reason.")
    private static let changeFamily = MetricFamily(
        "millrace_cluster_member_changes_total", .counter, labels: [healths],
        help: "Changes of what is believed of members, by what they became.")
    private static let memberFamily = MetricFamily(
        "millrace_cluster_members", .gauge, labels: [healths],
        help: "Members of this region, the node itself among them, by what is believed of them.")
    private static let streamFamily = MetricFamily(
        "millrace_cluster_streams", .gauge, help: "Streams in the directory that are not over.")
    private static let reportFamily = MetricFamily(
        "millrace_gossip_reports_total", .counter,
        labels: [.oneOf("report", ["directory_full", "name_conflict", "paused", "refused", "refuted"])],
        help:
            "Times this node refuted its death, did not run, was refused by a peer, or met another of a member's name.")
}

extension SealFailure {
    /// As the label says it.
    var label: String {
        switch self {
        case .forged: "forged"
        case .notOurs: "not_ours"
        case .replayed: "replayed"
        case .tooLong: "too_long"
        case .tooShort: "too_short"
        case .unknownKey: "unknown_key"
        case .version: "version"
        case .wrongCluster: "wrong_cluster"
        }
    }
}

extension GossipReport {
    /// For a log.
    var sentence: String {
        switch self {
        case .directoryFull: "a stream was left out: the directory is full"
        case .nameConflict(let node, let established, let other):
            "\(node) lives at \(established), and another of its name at \(other)"
        case .nameTaken(let endpoint): "the name of this node belongs to a member at \(endpoint)"
        case .paused(let duration): "this node did not run for \(duration)"
        case .refused(let words): "a peer refused: \(words)"
        case .refuted(let accuser): "alive, though \(accuser.map { "\($0)" } ?? "a member") said otherwise"
        }
    }
}
