// SPDX-License-Identifier: Apache-2.0

import Objects
public import Telemetry

/// What a node measures of an object store.
public struct StoreMetrics: Sendable {
    private let latency: [String: Histogram]
    private let succeeded: [String: Counter]
    private let failed: [String: [String: Counter]]
    private let retried: [String: Counter]
    private let hedges: Counter
    private let sent: Counter
    private let received: Counter

    /// The handles in `registry`.
    public init(_ registry: MetricRegistry) {
        func each<Value>(_ make: (String) -> Value) -> [String: Value] {
            Dictionary(uniqueKeysWithValues: ObjectOperation.names.map { ($0, make($0)) })
        }
        latency = each { registry.histogram(Self.latencyFamily, $0) }
        succeeded = each { registry.counter(Self.attemptFamily, $0, "succeeded") }
        failed = each { operation in
            Dictionary(
                uniqueKeysWithValues: StoreFailure.names.map {
                    ($0, registry.counter(Self.attemptFamily, operation, $0))
                })
        }
        retried = each { registry.counter(Self.retryFamily, $0) }
        hedges = registry.counter(Self.hedgeFamily)
        sent = registry.counter(Self.byteFamily, "sent")
        received = registry.counter(Self.byteFamily, "received")
    }

    func succeeded(_ operation: ObjectOperation, _ outcome: ObjectOutcome, after time: Duration) {
        succeeded[operation.name]?.add()
        latency[operation.name]?.observe(time)
        if case .put(_, let content, _) = operation { sent.add(content.bytes.count) }
        if case .content(let content) = outcome { received.add(content.bytes.count) }
    }

    func failed(_ operation: ObjectOperation, _ failure: StoreFailure) { failed[operation.name]?[failure.name]?.add() }

    func retried(_ operation: ObjectOperation) { retried[operation.name]?.add() }

    func hedged() { hedges.add() }

    /// All families, for the registry.
    public static let families = [attemptFamily, byteFamily, hedgeFamily, latencyFamily, retryFamily]

    private static let operation = MetricLabel.oneOf("operation", ObjectOperation.names)
    private static let attemptFamily = MetricFamily(
        "millrace_store_attempts_total", .counter,
        labels: [operation, .oneOf("outcome", ["succeeded"] + StoreFailure.names)],
        help: "Requests to the object store, retries and hedges included, by what came of them.")
    private static let latencyFamily = MetricFamily(
        "millrace_store_answer_seconds",
        .histogram(
            .durations([
                .milliseconds(5), .milliseconds(20), .milliseconds(50), .milliseconds(100), .milliseconds(250),
                .milliseconds(500), .seconds(1), .seconds(4),
            ])),
        unit: .seconds, labels: [operation],
        help: "Time from a request to the object store to its whole answer, of those that succeeded.")
    private static let retryFamily = MetricFamily(
        "millrace_store_retries_total", .counter, labels: [operation],
        help: "Requests to the object store that were sent again.")
    private static let hedgeFamily = MetricFamily(
        "millrace_store_hedges_total", .counter, help: "Slow reads that were asked a second time.")
    private static let byteFamily = MetricFamily(
        "millrace_store_bytes_total", .counter, unit: .bytes,
        labels: [.oneOf("direction", ["sent", "received"])],
        help: "Bytes of objects written to and read from the object store.")
}
