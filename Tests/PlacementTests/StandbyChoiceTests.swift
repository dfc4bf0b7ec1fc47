// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import Testing

@Suite("The choice of a standby")
struct StandbyChoiceTests {
    @Test("is the first other origin in the ranking, of another zone where there is one")
    func zones() throws {
        let nodes = try origins(zones: 3)
        for number in 0..<50 {
            let name = try stream("live/\(number)")
            let choice = try #require(try choose(nodes, name))
            let ranking = nodes.candidates(.origin).ranking(of: RankingKey(name)).map {
                nodes.candidates(.origin).members[$0].description
            }
            let gateway = try #require(ranking.first { $0.id.description == "origin-1" })
            #expect(choice == ranking.first { $0.zone != gateway.zone }?.id)
        }
    }

    @Test("is of the same zone where there is no other, and nobody where there is no other origin")
    func alone() throws {
        let nodes = try origins(zones: 1)
        #expect(try choose(nodes, stream("live/a")) != nil)
        #expect(try choose(Nodes(members: Array(nodes.members.prefix(1))), stream("live/a")) == nil)
        var edges = try Nodes.edges(3)
        try edges.add("origin-1", roles: .origin)
        #expect(try choose(edges, stream("live/a")) == nil)
    }

    @Test("stays whatever joins, while the standby is not lost")
    func sticky() throws {
        var nodes = try origins(zones: 3)
        let first = try #require(try choose(nodes, stream("live/a")))
        for number in 7...40 { try nodes.add("origin-\(number)", roles: .origin, zone: "z\(number)") }
        nodes.change(first.description) { $0.health = .suspect }
        #expect(try choose(nodes, stream("live/a"), keeping: first) == first)
        nodes.change(first.description) { $0.health = .dead }
        let next = try #require(try choose(nodes, stream("live/a"), keeping: first))
        #expect(next != first)
        nodes.change(first.description) { $0.health = .alive }
        nodes.change(first.description) { $0.description.isDraining = true }
        #expect(try choose(nodes, stream("live/a"), keeping: first) == next)
    }

    @Test("is nobody suspected, and writes what the term is written with")
    func packaging() throws {
        var nodes = Nodes()
        try nodes.add("origin-1", roles: .origin, packaging: 2...4)
        try nodes.add("origin-2", roles: .origin, packaging: 1...3)
        let second = try node("origin-2")
        #expect(try choose(nodes, stream("live/a"), packaging: 3) == second)
        #expect(try choose(nodes, stream("live/a"), packaging: 2) == second)
        #expect(try choose(nodes, stream("live/a"), packaging: 4) == nil)
        #expect(try choose(nodes, stream("live/a"), keeping: second, packaging: 4) == nil)
        nodes.change("origin-2") { $0.health = .suspect }
        #expect(try choose(nodes, stream("live/a"), packaging: 3) == nil)
    }

    @Test("is another than who said nothing a moment ago, where there is one")
    func silent() throws {
        let nodes = try origins(zones: 3)
        let first = try #require(try choose(nodes, stream("live/a")))
        let second = try #require(try choose(nodes, stream("live/a"), besides: [first]))
        #expect(second != first)
        #expect(try second == choose(nodes.without(first.description), stream("live/a")))
        #expect(try choose(nodes, stream("live/a"), keeping: first, besides: [first]) == first)
        let two = Nodes(
            members: nodes.members.filter { ["origin-1", first.description].contains($0.id.description) })
        #expect(try choose(two, stream("live/a"), besides: [first]) == first)
    }

    @Test("may stay while it is there and writes what the term is written with")
    func stays() throws {
        var nodes = Nodes()
        try nodes.add("origin-1", roles: .origin, packaging: 1...2)
        try nodes.add("origin-2", roles: .origin, packaging: 1...2)
        try nodes.add("edge-1", roles: .edge, packaging: 1...2)
        func mayHold(_ name: String, packaging: UInt8 = 2) throws -> Bool {
            try nodes.snapshot(of: "origin-1").mayHold(node(name), packaging: packaging)
        }
        #expect(try mayHold("origin-2") && !mayHold("edge-1") && !mayHold("nobody"))
        nodes.change("origin-2") { $0.health = .suspect }
        #expect(try mayHold("origin-2"))
        // It was started again with an older program.
        nodes.change("origin-2") { $0.description.packaging = 1...1 }
        #expect(try !mayHold("origin-2") && mayHold("origin-2", packaging: 1))
        nodes.change("origin-2") { $0.health = .dead }
        #expect(try !mayHold("origin-2", packaging: 1))
    }

    private func choose(
        _ nodes: Nodes, _ stream: StreamID, keeping current: NodeID? = nil, besides silent: Set<NodeID> = [],
        packaging: UInt8 = 1
    ) throws -> NodeID? {
        try nodes.snapshot(of: "origin-1").standby(
            of: stream, gateway: node("origin-1"), keeping: current, besides: silent, packaging: packaging)
    }

    private func origins(zones: Int) throws -> Nodes {
        try (1...6).reduce(into: Nodes()) { nodes, number in
            try nodes.add("origin-\(number)", roles: .origin, zone: "z\(number % zones)")
        }
    }
}
