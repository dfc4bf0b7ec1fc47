// SPDX-License-Identifier: Apache-2.0

public import Identity

extension Sequence<Member> {
    /// The members that speak for `region` to the other regions: the first three of the region's ranking among those
    /// neither gone nor draining that do more than an edge. Weights do not count, so that no machine speaks because it is
    /// big; suspects go on speaking, so that a lost packet changes nobody.
    ///
    /// Where views agree, so do the ambassadors. Where they do not yet, a region has a few more for a moment, which is
    /// harmless: the newest summary counts.
    public func ambassadors(of region: Region) -> [NodeID] {
        let key = RankingKey(region)
        let able: NodeRoles = [.origin, .router, .shield]
        return filter { member in
            member.health <= .suspect && !member.description.isDraining && member.description.region == region
                && !member.description.roles.isDisjoint(with: able)
        }
        .map { (rank: RankingKey($0.id).mixed(with: key), id: $0.id) }
        .sorted { ($0.rank, $1.id) > ($1.rank, $0.id) }
        .prefix(3)
        .map(\.id)
    }
}
