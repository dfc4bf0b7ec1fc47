// SPDX-License-Identifier: Apache-2.0

import HLS
public import Relay
public import Telemetry

/// What the relay between nodes counts.
public struct RelayMetrics: Sendable {
    let bytesSent: Counter
    let bytesReceived: Counter
    let rounds: Counter
    let subscriptions: Gauge
    let upstreams: Gauge
    let switches: Counter
    let skips: Counter
    let staleRecords: Counter
    let repeatedRecords: Counter
    private let segmentsChecked: Counter
    private let segmentMismatches: Counter
    let foreignPackaging: Counter
    let randomAccessRequests: Counter
    private let outcomes: [String: Counter]
    private let staleTerms: [StaleTerm: Counter]
    private let refusals: [RelayRefusal: Counter]
    private let failures: [String: Counter]
    private let partings: [String: Counter]
    private let unknownMessages: Counter
    private let report: @Sendable (RelayFailure) -> Void

    /// The handles in `registry`.
    /// - Parameter report: is told of nodes of other versions: `version` for each connection that ended for it, and
    ///   `unknownKind` once for each on which messages were passed over.
    public init(_ registry: MetricRegistry, report: @escaping @Sendable (RelayFailure) -> Void = { _ in }) {
        self.report = report
        unknownMessages = registry.counter(Self.unknownFamily)
        bytesSent = registry.counter(Self.sentFamily)
        bytesReceived = registry.counter(Self.receivedFamily)
        rounds = registry.counter(Self.roundsFamily)
        subscriptions = registry.gauge(Self.subscriptionsFamily)
        upstreams = registry.gauge(Self.upstreamsFamily)
        switches = registry.counter(Self.switchesFamily)
        skips = registry.counter(Self.skipsFamily)
        staleRecords = registry.counter(Self.discardedFamily, "stale")
        repeatedRecords = registry.counter(Self.discardedFamily, "repeated")
        segmentsChecked = registry.counter(Self.checkedFamily)
        segmentMismatches = registry.counter(Self.mismatchFamily)
        foreignPackaging = registry.counter(Self.packagingFamily)
        randomAccessRequests = registry.counter(Self.randomAccessFamily)
        outcomes = Dictionary(
            uniqueKeysWithValues: Self.outcomes.map { ($0, registry.counter(Self.outcomeFamily, $0)) })
        staleTerms = Dictionary(
            uniqueKeysWithValues: StaleTerm.allCases.map { ($0, registry.counter(Self.staleFamily, $0.rawValue)) })
        refusals = Dictionary(
            uniqueKeysWithValues: RelayRefusal.allCases.map {
                ($0, registry.counter(Self.refusalFamily, $0.counterName))
            })
        failures = Dictionary(
            uniqueKeysWithValues: RelayFailure.counterNames.map { ($0, registry.counter(Self.failureFamily, $0)) })
        partings = Dictionary(
            uniqueKeysWithValues: RelayParting.counterNames.map { ($0, registry.counter(Self.partingFamily, $0)) })
    }

    func refused(_ refusal: RelayRefusal) {
        refusals[refusal]?.add()
        if refusal == .wrongTerm { refused(.subscription) }
    }

    /// Something of a lower term than is known was refused.
    public func refused(_ stale: StaleTerm) { staleTerms[stale]?.add() }

    /// A term was taken, or not.
    func took(_ outcome: Result<Succession, TermFailure>) {
        switch outcome {
        case .failure(.higherTerm): outcomes["higher_term"]?.add()
        case .failure(.incomplete): outcomes["incomplete"]?.add()
        case .failure(.tooFew): outcomes["too_few"]?.add()
        case .success: outcomes["taken"]?.add()
        }
    }

    /// What of a lower term was refused.
    public enum StaleTerm: String, Sendable, CaseIterable {
        /// Records that a standby would have acknowledged.
        case acknowledgement
        /// A commit.
        case commit
        /// An entry of the directory that this node wrote itself, as the gateway it was.
        case gateway
        /// A question by who takes the lower term, or is not sure of it.
        case question
        /// A subscription of, or at, somebody of a lower term.
        case subscription
    }

    func failed(_ failure: RelayFailure) {
        failures[failure.counterName]?.add()
        if case .version = failure { report(failure) }
    }

    /// Messages were passed over, the last of this kind.
    /// - Parameter isFirst: whether they are the first of their connection.
    func passedOver(_ messages: Int, of kind: UInt8, isFirst: Bool) {
        unknownMessages.add(messages)
        if isFirst { report(.unknownKind(kind)) }
    }

    func parted(_ parting: RelayParting) { partings[parting.counterName]?.add() }

    /// Segments that came over the relay were held against what their gateway stated.
    func checked(_ digests: DigestCounters) {
        segmentsChecked.add(digests.checked)
        segmentMismatches.add(digests.mismatched)
    }

    func met(_ counters: RelayCounters) {
        switches.add(counters.switches)
        skips.add(counters.skips)
        staleRecords.add(counters.staleRecords)
        staleTerms[.commit]?.add(counters.staleCommits)
        staleTerms[.subscription]?.add(counters.staleTerms)
        repeatedRecords.add(counters.repeatedRecords)
    }

    private static let outcomes = ["higher_term", "incomplete", "taken", "too_few"]
    private static let outcomeFamily = MetricFamily(
        "millrace_terms_total", .counter, labels: [.oneOf("outcome", outcomes)],
        help: "Terms that this node wanted to take, by what came of it.")
    private static let staleFamily = MetricFamily(
        "millrace_stale_terms_refused_total", .counter,
        labels: [.oneOf("what", StaleTerm.allCases.map(\.rawValue))],
        help: "What was refused because it belongs to a lower term than is known.")
    private static let randomAccessFamily = MetricFamily(
        "millrace_relay_random_access_requests_total", .counter,
        help: "Random access points that publishers at other nodes were asked for.")
    private static let packagingFamily = MetricFamily(
        "millrace_relay_foreign_packaging_total", .counter,
        help: "Streams not taken because their gateway packages with a version that this node does not write.")
    private static let sentFamily = MetricFamily(
        "millrace_relay_sent_bytes_total", .counter, unit: .bytes, help: "Bytes sent to other nodes over the relay.")
    private static let receivedFamily = MetricFamily(
        "millrace_relay_received_bytes_total", .counter, unit: .bytes,
        help: "Bytes received from other nodes over the relay.")
    private static let roundsFamily = MetricFamily(
        "millrace_relay_rounds_total", .counter,
        help: "Times that records were written to another node: all that came since the time before, of all streams.")
    private static let subscriptionsFamily = MetricFamily(
        "millrace_relay_subscriptions", .gauge, help: "Subscriptions of other nodes at this one.")
    private static let upstreamsFamily = MetricFamily(
        "millrace_relay_upstreams", .gauge, help: "Streams that this node takes from other nodes.")
    private static let switchesFamily = MetricFamily(
        "millrace_relay_switches_total", .counter, help: "Changes from a parent that lives to a better one.")
    private static let skipsFamily = MetricFamily(
        "millrace_relay_skips_total", .counter,
        help: "Times that a parent no longer held the record wanted next, and the window began anew.")
    private static let discardedFamily = MetricFamily(
        "millrace_relay_discarded_records_total", .counter, labels: [.oneOf("reason", ["stale", "repeated"])],
        help: "Records thrown away: of lower terms, or there already.")
    private static let checkedFamily = MetricFamily(
        "millrace_segment_checks_total", .counter, help: "Segments held against the hash that their gateway stated.")
    private static let mismatchFamily = MetricFamily(
        "millrace_segment_mismatch_total", .counter,
        help: "Segments whose bytes hash to something else than their gateway stated: must stay 0.")
    private static let refusalFamily = MetricFamily(
        "millrace_relay_refusals_total", .counter,
        labels: [.oneOf("reason", RelayRefusal.allCases.map(\.counterName))],
        help: "Subscriptions of other nodes refused or ended, by reason.")
    private static let failureFamily = MetricFamily(
        "millrace_relay_failures_total", .counter, labels: [.oneOf("reason", RelayFailure.counterNames)],
        help: "Relay connections ended for what the other node did, by reason.")
    private static let unknownFamily = MetricFamily(
        "millrace_relay_unknown_messages_total", .counter,
        help: "Messages of other nodes passed over, as this node does not know their kind.")
    private static let partingFamily = MetricFamily(
        "millrace_relay_partings_total", .counter, labels: [.oneOf("reason", RelayParting.counterNames)],
        help: "Parents given up, by reason.")

    /// What is declared.
    public static let families = [
        outcomeFamily, staleFamily, packagingFamily, randomAccessFamily,
        sentFamily, receivedFamily, roundsFamily, subscriptionsFamily, upstreamsFamily, switchesFamily, skipsFamily,
        discardedFamily,
        checkedFamily, mismatchFamily, refusalFamily, failureFamily, unknownFamily, partingFamily,
    ]
}
