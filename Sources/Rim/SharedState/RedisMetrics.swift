// SPDX-License-Identifier: Apache-2.0

import Cluster
public import Telemetry

/// What a node measures of its store.
public struct RedisMetrics: Sendable {
    let up: Gauge
    let roundsFailed: Counter
    let leasesLost: Counter
    private let latency: Histogram
    private let granted: Counter
    private let refused: Counter
    private let unreachable: Counter
    private let fenced: Gauge
    private let fences: Counter

    /// The handles in `registry`.
    public init(_ registry: MetricRegistry) {
        up = registry.gauge(Self.upFamily)
        latency = registry.histogram(Self.latencyFamily)
        granted = registry.counter(Self.claimFamily, "granted")
        refused = registry.counter(Self.claimFamily, "refused")
        unreachable = registry.counter(Self.claimFamily, "unreachable")
        roundsFailed = registry.counter(Self.failureFamily)
        leasesLost = registry.counter(Self.lostFamily)
        fenced = registry.gauge(Self.fencedFamily)
        fences = registry.counter(Self.fenceFamily)
    }

    /// The node's streams are fenced from now on, or not any more.
    public func fence(_ isUp: Bool) {
        fenced.set(isUp ? 1 : 0)
        if isUp { fences.add() }
    }

    func answered(after time: Duration) {
        up.set(1)
        latency.observe(time)
    }

    func claimed(_ answer: LeaseAnswer) {
        switch answer {
        case .granted: granted.add()
        case .refused: refused.add()
        case .unreachable: unreachable.add()
        }
    }

    /// All families, for the registry.
    public static let families = [
        claimFamily, failureFamily, fenceFamily, fencedFamily, latencyFamily, lostFamily, upFamily,
    ]

    private static let upFamily = MetricFamily(
        "millrace_redis_up", .gauge, help: "1 where Redis answered the last question, else 0.")
    private static let latencyFamily = MetricFamily(
        "millrace_redis_answer_seconds",
        .histogram(
            .durations([.milliseconds(1), .milliseconds(5), .milliseconds(20), .milliseconds(100), .seconds(1)])),
        unit: .seconds, help: "Time from a question to Redis to its whole answer; connecting is in it.")
    private static let claimFamily = MetricFamily(
        "millrace_redis_claims_total", .counter,
        labels: [.oneOf("answer", ["granted", "refused", "unreachable"])],
        help: "Terms asked for, by what Redis said.")
    private static let failureFamily = MetricFamily(
        "millrace_redis_renewals_failed_total", .counter,
        help: "Rounds of renewals, of all streams of the node at once, that Redis did not answer.")
    private static let lostFamily = MetricFamily(
        "millrace_redis_leases_lost_total", .counter, help: "Leases that a higher term of another gateway ended.")
    private static let fencedFamily = MetricFamily(
        "millrace_redis_fenced", .gauge,
        help: "1 while the node appends nothing, because others reach Redis and it does not.")
    private static let fenceFamily = MetricFamily(
        "millrace_redis_fences_total", .counter, help: "Times that the node was fenced.")
}
