// SPDX-License-Identifier: Apache-2.0

import Cluster
import NIOCore
import Placement
import PlainRTP
import Replica
import Router

/// Sessions of plain RTP reach beyond their node by the edges of its region.
struct SessionPeers: FanoutPeers {
    let part: ClusterPart

    var isLeaving: Bool { part.isDraining }

    func edges(of key: RankingKey) -> [RelayParent] {
        let edges = part.desk.snapshot.edges
        return edges.ranking(of: key).map { edges.members[$0] }.filter { $0.id != part.id && $0.takesWork }
            .compactMap { member in
                member.description.relay.map { RelayParent(node: member.id, endpoint: $0) }
            }
    }
}

extension FanoutCluster {
    init(of part: ClusterPart, on eventLoop: any EventLoop) {
        self.init(
            peers: SessionPeers(part: part), identity: part.identity, on: eventLoop, metrics: part.relayMetrics)
    }
}
