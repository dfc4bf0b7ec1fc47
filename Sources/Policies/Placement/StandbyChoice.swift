// SPDX-License-Identifier: Apache-2.0

import Cluster
public import Identity

/// Who holds a stream's feed beside its gateway.
public struct StandbyChoice: Hashable, Sendable {
    /// The other holder.
    public let node: NodeID
    /// The highest version of the byte writer that both write with. It is decided with the term; see
    /// ``PlacementSnapshot/standby(of:gateway:keeping:packaging:)``.
    public let packaging: UInt8
}

extension PlacementSnapshot {
    /// The standby of a stream: the first other origin in the ranking of the gateway's region that takes work, of another
    /// zone where there is one.
    ///
    /// Call it when a term begins and when a standby is lost, never because a view changed. A standby that is still there,
    /// were it only suspected, is kept whatever the ranking says.
    /// - Parameters:
    ///   - gateway: the node that holds the term; its view this is.
    ///   - current: the standby until now.
    ///   - packaging: the version that the term's segments are written with; nil where a term begins, and the choice
    ///     decides it.
    /// - Returns: nil where no other origin is there, or none that writes what the gateway writes: then the gateway holds
    ///   the feed alone.
    public func standby(
        of stream: StreamID, gateway: NodeID, keeping current: NodeID? = nil, packaging: UInt8? = nil
    ) -> StandbyChoice? {
        guard let gateway = view.member(gateway)?.description else { return nil }
        let ranking = origins.ranking(of: RankingKey(stream)).map { origins.members[$0] }.filter { member in
            member.id != gateway.id && Self.common(gateway.packaging, member.description.packaging, packaging) != nil
        }
        let free = ranking.filter(\.takesWork)
        let chosen =
            ranking.first { $0.id == current } ?? free.first { $0.description.zone != gateway.zone } ?? free.first
        guard let chosen,
            let version = Self.common(gateway.packaging, chosen.description.packaging, packaging)
        else { return nil }
        return StandbyChoice(node: chosen.id, packaging: version)
    }

    /// The highest version in both, or `fixed` if it is.
    private static func common(_ one: ClosedRange<UInt8>, _ other: ClosedRange<UInt8>, _ fixed: UInt8?) -> UInt8? {
        guard one.overlaps(other) else { return nil }
        let both = one.clamped(to: other)
        guard let fixed else { return both.upperBound }
        return both.contains(fixed) ? fixed : nil
    }
}
