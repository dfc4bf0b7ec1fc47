// SPDX-License-Identifier: Apache-2.0

import Cluster
public import Identity

extension PlacementSnapshot {
    /// Whom a node of this region asks that takes a term of a stream, those first from which its window is copied first:
    /// the standby and the gateway, the region's other origins, its shields, and the first edges of the stream's ranking.
    /// Of a stream whose gateway is in another region also that region's doors. Suspects are asked: if they are dead, it
    /// costs the time of the question, and if they are not, they may be the gateway.
    public func termPeers(for stream: StreamID) -> [Upstream] {
        let entry = view.streams[stream].flatMap { $0.state == .ended ? nil : $0 }
        let key = RankingKey(stream)
        let holders = [entry?.standby, entry?.gateway].compactMap { $0 }.compactMap(view.member)
        let members =
            holders.filter { $0.health <= .suspect } + origins.members
            + shields.ranking(of: key).map { shields.members[$0] }
            + edges.first(Self.askedEdges, of: key).map { edges.members[$0] }
        let near = members.filter { $0.id != view.node }.compactMap(Upstream.init)
        let far = entry.map { $0.region == region ? [] : doors(for: $0) } ?? []
        var seen: Set<NodeID> = []
        return (near + far).filter { seen.insert($0.node).inserted }
    }

    /// The origins whose promise counts for a quorum.
    public var voters: Set<NodeID> { Set(origins.members.map(\.id)) }

    /// The edges that a stream of a common audience has, and some.
    static let askedEdges = 8
}
