// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import Testing

@Suite("A region's summary")
struct RegionSummaryTests {
    /// What another member of the region is, and what it writes.
    typealias Other = (roles: NodeRoles, isDraining: Bool, packaging: ClosedRange<UInt8>)

    @Test(
        "says which versions all write who may hold streams",
        arguments: [
            ([], 1...3),
            ([(.edge, false, 1...3)], 1...3),
            ([(.edge, false, 1...2), (.edge, false, 1...3)], 1...2),
            ([(.edge, false, 2...4), (.edge, false, 1...3)], 2...3),
            // Those that drain have viewers; who has no role has none.
            ([(.edge, true, 1...1)], 1...1),
            ([([], false, 1...1)], 1...3),
            // Nothing is everybody's: what the oldest write.
            ([(.edge, false, 4...5)], 3...3),
        ] as [([Other], ClosedRange<UInt8>)])
    func packaging(others: [Other], packaging: ClosedRange<UInt8>) throws {
        var node = try speaker(others: others)
        node.live(for: .seconds(4))
        #expect(node.told(in: .world).last?.packaging == packaging)
    }

    @Test("does not count who is gone")
    func gone() throws {
        var node = try speaker(others: [(.edge, false, 1...1)])
        node.hear(.left(name(1), incarnation: 100))
        node.live(for: .seconds(4))
        #expect(node.told(in: .world).last?.packaging == 1...3)
    }

    @Test("is told to the region at once where its versions are others, and else now and then")
    func telling() throws {
        var node = try speaker(others: [(.edge, false, 1...3)])
        node.live(for: .seconds(1))
        // A program that says nothing of it, and then one that says that it is the first.
        for (time, packaging) in [(1, nil), (2, nil), (3, 1...1), (4, 1...1)] as [(UInt64, ClosedRange<UInt8>?)] {
            try node.hearOfFar(time: time, packaging: packaging)
            node.live(for: .seconds(1))
        }
        #expect(Set(node.told(in: .region).map(\.time)) == [1, 3])
        #expect(node.core.view.regions.values.compactMap(\.packaging) == [1...1])
    }

    /// Node 0, an origin, which alone speaks for its region, and to which another region's ambassador is known.
    private func speaker(others: [Other]) throws -> Core {
        var own = description(0)
        own.roles = .origin
        own.packaging = 1...3
        let members = others.enumerated().map { number, other in
            var member = description(number + 1)
            member.roles = other.roles
            member.isDraining = other.isDraining
            member.packaging = other.packaging
            return member
        }
        var node = Core(own, others: members)
        node.live(for: .seconds(1))
        try #require(node.core.isAmbassador)
        let far = NodeDescription(
            id: name(90), roles: .origin, region: try #require(Region(parsing: "far")), gossip: endpoint(90))
        node.hear([.alive(far, incarnation: 100)], in: .world)
        return node
    }
}

extension Core {
    /// Hears rumours from node 90.
    fileprivate mutating func hear(_ rumours: [Rumour], in pool: GossipPool) {
        core.receive(
            GossipDatagram(sender: name(90), rumours: rumours), from: endpoint(90), pool: pool, now: now,
            into: &directives)
    }

    fileprivate mutating func hearOfFar(time: UInt64, packaging: ClosedRange<UInt8>?) throws {
        let summary = RegionSummary(
            region: try #require(Region(parsing: "far")), speaker: name(90), time: time, routers: [], doors: [],
            capacity: 1, load: 0, packaging: packaging)
        hear([.region(summary)], in: .world)
    }

    /// The summaries in all datagrams so far of a pool, in order.
    fileprivate func told(in pool: GossipPool) -> [RegionSummary] {
        directives.flatMap { directive -> [RegionSummary] in
            guard case .send(let datagram, let place, _) = directive, place == pool else { return [] }
            return datagram.rumours.compactMap { if case .region(let summary) = $0 { summary } else { nil } }
        }
    }
}
