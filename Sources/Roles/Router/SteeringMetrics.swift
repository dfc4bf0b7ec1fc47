// SPDX-License-Identifier: Apache-2.0

import Steering
public import Telemetry

/// What is counted of steering.
public struct SteeringMetrics: Sendable {
    let shared: Counter
    let slow: Counter
    private let answers: [String: Counter]

    /// The handles in `registry`.
    public init(_ registry: MetricRegistry) {
        shared = registry.counter(Self.sharedFamily)
        slow = registry.counter(Self.slowFamily)
        answers = Dictionary(
            uniqueKeysWithValues: Self.kinds.map { ($0, registry.counter(Self.answerFamily, $0)) })
    }

    func answered(_ kind: PathwayState.Kind?) {
        let name =
            switch kind {
            case .cdn: "cdn"
            case .edge: "edge"
            case .region: "region"
            case nil: "none"
            }
        answers[name]?.add()
    }

    /// All families, for the registry.
    public static let families = [answerFamily, sharedFamily, slowFamily]

    private static let sharedFamily = MetricFamily(
        "millrace_steering_shared_total", .counter,
        help: "Steering manifests whose first pathway an operator's share has decided.")
    private static let slowFamily = MetricFamily(
        "millrace_steering_slow_total", .counter,
        help: "Pathways that were found too slow for a player, by what it measured.")
    private static let kinds = ["cdn", "edge", "none", "region"]
    private static let answerFamily = MetricFamily(
        "millrace_steering_answers_total", .counter, labels: [.oneOf("first", kinds)],
        help: "Steering manifests answered, by the kind of pathway that each put first.")
}
