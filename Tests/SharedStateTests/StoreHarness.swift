// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Logging
import RedisKit
import SharedState
import Telemetry

/// Nodes that share a store, as tests ask them.
struct StoreHarness {
    let store: RedisStore
    let registry = MetricRegistry(families: RedisMetrics.families)

    init(_ place: RedisPlace, node: String = "one", _ change: (inout RedisSettings) -> Void = { _ in }) throws {
        var settings = RedisSettings(place)
        // On a busy machine a test may stand for longer than a node does.
        settings.timeout = .seconds(30)
        settings.leaseLife = .seconds(300)
        change(&settings)
        var quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        quiet.logLevel = .critical
        store = RedisStore(
            settings, cluster: "test", holder: try name(node), metrics: RedisMetrics(registry), log: StormLog(quiet))
    }

    init(_ redis: RedisProcess, node: String = "one", _ change: (inout RedisSettings) -> Void = { _ in }) throws {
        try self.init(.server(redis.server), node: node, change)
    }

    func claim(_ term: Term, knowing known: Term? = nil, of stream: StreamID? = nil) async throws -> LeaseAnswer {
        let stream = try stream ?? live("show")
        return await withCheckedContinuation { continuation in
            store.claim(stream, term, knowing: known) { continuation.resume(returning: $0) }
        }
    }

    func renew(_ term: Term) async throws -> RenewalOutcome { try await renew([live("show"): term]) }

    func renew(_ held: [StreamID: Term]) async -> RenewalOutcome {
        await withCheckedContinuation { continuation in
            store.renew(held, announcing: Self.home, in: .local) { continuation.resume(returning: $0) }
        }
    }

    static let home = Endpoint(address: .v4(0x0A00_0001), port: 7946)
}

func name(_ text: String) throws -> NodeID {
    guard let id = NodeID(parsing: text) else { throw NoRedis("\(text) is no name") }
    return id
}

func live(_ name: String) throws -> StreamID { try StreamID(app: "live", name: name) }

extension RenewalOutcome {
    /// Whether all leases but `lost` were renewed.
    func isRenewed(losing lost: [Term: Term] = [:]) -> Bool {
        guard case .renewed(_, let leases) = self else { return false }
        return Dictionary(uniqueKeysWithValues: leases.map { ($0.term, $0.highest) }) == lost
    }

    var isFailed: Bool { if case .failed = self { true } else { false } }
}
