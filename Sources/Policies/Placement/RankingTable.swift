// SPDX-License-Identifier: Apache-2.0

import Cluster

/// Nodes as rankings see them: a key and a weight each, by index.
struct RankingTable: Sendable {
    private let keys: [RankingKey]
    private let inverseWeights: [Double]

    /// A table of nodes in the order that decides between equal costs.
    /// - Parameter nodes: the key of each and its weight, above zero.
    init(_ nodes: some Sequence<(key: RankingKey, weight: UInt32)>) {
        keys = nodes.map(\.key)
        inverseWeights = nodes.map { 1 / Double($0.weight) }
    }

    /// How many nodes there are.
    var count: Int { keys.count }

    /// The whole ranking of `key`.
    func ranking(of key: RankingKey) -> [Int] { first(count, of: key, among: 0..<count) }

    /// The first `count` of the ranking of `key`: always a prefix of the longer ones.
    func first(_ count: Int, of key: RankingKey) -> [Int] { first(count, of: key, among: 0..<self.count) }

    /// The first `count` of `indices` in the ranking of `key`.
    func first(_ count: Int, of key: RankingKey, among indices: some Collection<Int>) -> [Int] {
        let wanted = min(count, indices.count)
        guard wanted > 0 else { return [] }
        let ranked = wanted <= Self.fewEnough ? select(wanted, of: key, among: indices) : sort(indices, by: key)
        return ranked.prefix(wanted).map(\.index)
    }

    private func sort(_ indices: some Collection<Int>, by key: RankingKey) -> [Rank] {
        indices.map { index in
            Rank(
                index: index, cost: RankingCost.cost(keys[index].mixed(with: key), inverseWeight: inverseWeights[index])
            )
        }.sorted { $0 < $1 }
    }

    /// Looks at each node once and computes the cost of only those that may be among the wanted.
    private func select(_ wanted: Int, of key: RankingKey, among indices: some Collection<Int>) -> [Rank] {
        var best: [Rank] = []
        best.reserveCapacity(wanted + 1)
        var limit = Double.infinity
        for index in indices {
            let mixed = keys[index].mixed(with: key)
            let inverse = inverseWeights[index]
            guard RankingCost.lowerBound(mixed, inverseWeight: inverse) <= limit else { continue }
            let rank = Rank(index: index, cost: RankingCost.cost(mixed, inverseWeight: inverse))
            if best.count == wanted, let last = best.last {
                guard rank < last else { continue }
                best.removeLast()
            }
            best.insert(rank, at: best.lastIndex { $0 < rank }.map { $0 + 1 } ?? 0)
            if best.count == wanted, let last = best.last { limit = last.cost }
        }
        return best
    }

    private struct Rank: Comparable {
        let index: Int
        let cost: Double

        static func < (left: Rank, right: Rank) -> Bool {
            left.cost == right.cost ? left.index < right.index : left.cost < right.cost
        }
    }

    /// Up to here, keeping the best in order by insertion is cheaper than sorting all.
    private static let fewEnough = 24
}
