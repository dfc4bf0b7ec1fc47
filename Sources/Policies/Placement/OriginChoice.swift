// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

extension PlacementSnapshot {
    /// The origin that a router sends a publisher of `stream` to; nil where no origin of the region takes work and
    /// can be reached by publishers.
    ///
    /// Any origin can take any publisher. A stream that is live or in its grace is taken best where its window is: at its
    /// gateway, so that the term goes on and a second publisher is refused by who knows the first; else at its standby.
    /// Else the first of the stream's ranking that has at most 1.25 times its share of the region's streams, by capacity.
    public func origin(for stream: StreamID) -> Member? {
        if let entry = view.streams[stream], entry.state != .ended {
            let holders = [entry.gateway, entry.standby].compactMap { $0 }
            for case let index? in holders.map(origins.index(of:)) where takesPublishers(index) {
                return origins.members[index]
            }
        }
        let ranking = origins.ranking(of: RankingKey(stream)).filter(takesPublishers)
        let streams = gatewayCounts()
        let capacity = ranking.reduce(0) { $0 + Double(origins.members[$1].description.capacity) }
        let share = Double(ranking.reduce(1) { $0 + streams[$1] }) / capacity
        let chosen = ranking.first { index in
            Double(streams[index]) < Self.bound * share * Double(origins.members[index].description.capacity)
        }
        return (chosen ?? ranking.first).map { origins.members[$0] }
    }

    private func takesPublishers(_ index: Int) -> Bool {
        origins.members[index].takesWork && !origins.members[index].description.publisherURL.isEmpty
    }

    /// How many streams each origin of the region is the gateway of.
    private func gatewayCounts() -> [Int] {
        var counts = [Int](repeating: 0, count: origins.count)
        for entry in view.streams.values where entry.state != .ended {
            if let index = origins.index(of: entry.gateway) { counts[index] += 1 }
        }
        return counts
    }

    /// 1 + ε.
    private static let bound = 1.25
}
