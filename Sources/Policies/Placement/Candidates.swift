// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// The nodes of one region that can do one thing, and their ranking for any key.
///
/// The dead, the gone, the draining and those of no capacity are not among them. Suspects are: they keep their rank and
/// what they have until they are dead, but get nothing new, which every choice looks at by itself. So a lost packet moves
/// nothing. A node's share is its capacity. Make one for a version of the view and keep it: to make it costs a hash for
/// each name.
public struct Candidates: Sendable {
    /// Who may be chosen, ordered by name. Other verbs speak of them by index.
    public let members: [Member]
    /// What one of them may send to viewers, on average.
    public let meanCapacity: Bandwidth
    /// Whether none stands in another zone than the others.
    let isOneZone: Bool
    private let table: RankingTable

    /// Those of `members` in `region` that have all of `roles`.
    public init(_ members: some Sequence<Member>, in region: Region, with roles: NodeRoles) {
        self.members = members.filter { member in
            member.health <= .suspect && !member.description.isDraining && member.description.capacity > 0
                && member.description.region == region && member.description.roles.isSuperset(of: roles)
        }.sorted { $0.id < $1.id }
        let capacity = self.members.reduce(0) { $0 + UInt64($1.description.capacity) * 1000 }
        meanCapacity = Bandwidth(kilobits: capacity / UInt64(max(self.members.count, 1)))
        isOneZone = Set(self.members.map(\.description.zone)).count < 2
        table = RankingTable(self.members.map { (RankingKey($0.id), $0.description.capacity) })
    }

    /// How many there are.
    public var count: Int { members.count }

    /// All of them, the first in the ranking of `key` first.
    public func ranking(of key: RankingKey) -> [Int] { table.ranking(of: key) }

    /// The first `count` of the ranking: the same as in every longer one, so that a set which grows moves nobody.
    public func first(_ count: Int, of key: RankingKey) -> [Int] { table.first(count, of: key) }

    /// The first `count` of `indices`, in the ranking of `key`.
    public func first(_ count: Int, of key: RankingKey, among indices: [Int]) -> [Int] {
        table.first(count, of: key, among: indices)
    }

    /// As many of the ranking as there are until `count` of them take work. A suspect stays in its place, and one more
    /// stands in for it.
    public func working(_ count: Int, of key: RankingKey) -> [Int] {
        var chosen = table.first(count, of: key)
        var suspects = chosen.count { !members[$0].takesWork }
        while suspects > 0, chosen.count < min(count + suspects, self.count) {
            chosen = table.first(count + suspects, of: key)
            suspects = chosen.count { !members[$0].takesWork }
        }
        return chosen
    }

    /// The index of a node; nil where it is not among them.
    public func index(of node: NodeID) -> Int? {
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            if members[middle].id < node { low = middle + 1 } else { high = middle }
        }
        return low < members.count && members[low].id == node ? low : nil
    }
}
