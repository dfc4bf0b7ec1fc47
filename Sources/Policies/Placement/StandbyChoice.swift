// SPDX-License-Identifier: Apache-2.0

import Cluster
public import Identity

/// Who holds a stream's feed beside its gateway.
extension PlacementSnapshot {
    /// The standby of a stream: the first other origin in the ranking of the gateway's region that takes work, of another
    /// zone where there is one.
    ///
    /// Call it when a term begins and when a standby is lost, never because a view changed. A standby that is still there,
    /// were it only suspected, is kept whatever the ranking says.
    /// - Parameters:
    ///   - gateway: the node that holds the term; its view this is.
    ///   - current: the standby until now.
    ///   - silent: those of whom nothing was heard a moment ago: one of them only where there is nobody else.
    ///   - packaging: the version of the byte writer that the term is written with, see ``packaging(writing:)``.
    /// - Returns: nil where no other origin is there, or none that writes what the gateway writes: then the gateway holds
    ///   the feed alone.
    public func standby(
        of stream: StreamID, gateway: NodeID, keeping current: NodeID? = nil, besides silent: Set<NodeID> = [],
        packaging: UInt8
    ) -> NodeID? {
        guard let gateway = view.member(gateway)?.description else { return nil }
        let ranking = origins.ranking(of: RankingKey(stream)).map { origins.members[$0] }.filter { member in
            member.id != gateway.id && member.description.packaging.contains(packaging)
        }
        let free = ranking.filter(\.takesWork)
        func first(of members: [Member]) -> Member? {
            members.first { $0.description.zone != gateway.zone } ?? members.first
        }
        let chosen =
            ranking.first { $0.id == current } ?? first(of: free.filter { !silent.contains($0.id) }) ?? first(of: free)
        return chosen?.id
    }

    /// Whether a node that is a stream's standby may stay so: it is an origin of the region, not dead and not draining, and
    /// writes what the term is written with.
    public func mayHold(_ standby: NodeID, packaging: UInt8) -> Bool {
        origins.index(of: standby).map { origins.members[$0].description.packaging.contains(packaging) } ?? false
    }
}
