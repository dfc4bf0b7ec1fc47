// SPDX-License-Identifier: Apache-2.0

import Cluster
import Clustering
import Identity
import Logging
import Origin
import Replica
import Router
import SharedState
import Telemetry
import Transport

/// What a node's leases are, and what becomes of its streams when it can not keep them.
extension ClusterPart: LeaseParty {
    var leases: [StreamID: Term] {
        let held = streams.all.filter { $0.hasTerm && $0.presence != .ended }
        return Dictionary(held.map { ($0.id, $0.term) }) { one, other in max(one, other) }
    }

    var home: Endpoint? { gossip?.view.member(id)?.description.gossip }

    func knownTerm(of stream: StreamID) -> Term? {
        [desk.entry(stream)?.term, replicas[stream]?.term, replicas.promised(stream)].compactMap { $0 }.max()
    }

    func storeAnswered() { if settings.roles.contains(.origin) { gossip?.storeAnswered() } }

    func lost(_ lease: LostLease) {
        log.record(
            "another gateway has a higher term", level: .warning,
            metadata: [
                "stream": "\(lease.stream)", "term": "\(lease.term)", "higher": "\(lease.highest)",
                "holder": "\(lease.holder.map(\.description) ?? "none")",
            ], now: SystemClock.now())
        if let stream = streams[lease.stream], stream.hasTerm, stream.term == lease.term { stream.yield() }
    }

    func fence(_ isFenced: Bool) { streams.fence(isFenced) }
}
