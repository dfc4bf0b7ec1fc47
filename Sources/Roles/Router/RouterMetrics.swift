// SPDX-License-Identifier: Apache-2.0

public import Telemetry

/// What a router counts.
public struct RouterMetrics: Sendable {
    let reports: Counter
    let strangers: Counter
    private let routed: [Outcome: Counter]

    /// What became of a viewer who begins to watch.
    enum Outcome: String, CaseIterable {
        case drained, edge, here, nowhere, playlist, region
        case unknownStream = "unknown_stream"
    }

    /// The handles in `registry`.
    public init(_ registry: MetricRegistry) {
        reports = registry.counter(Self.reportFamily, "taken")
        strangers = registry.counter(Self.reportFamily, "stranger")
        routed = Dictionary(
            uniqueKeysWithValues: Outcome.allCases.map { ($0, registry.counter(Self.routedFamily, $0.rawValue)) })
    }

    func routed(_ outcome: Outcome) { routed[outcome]?.add() }

    /// All families, for the registry.
    public static let families = [reportFamily, routedFamily]

    private static let reportFamily = MetricFamily(
        "millrace_router_load_reports_total", .counter, labels: [.oneOf("outcome", ["stranger", "taken"])],
        help: "Load reports of edges that came; a stranger is no edge of the region.")
    private static let routedFamily = MetricFamily(
        "millrace_router_viewers_total", .counter,
        labels: [.oneOf("outcome", Outcome.allCases.map(\.rawValue))],
        help:
            "Viewers who began to watch at this router, by what they were answered; drained: asked for a playlist where their edge drains."
    )
}
