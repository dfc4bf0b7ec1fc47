// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import Testing

@Suite("The choice of an origin")
struct OriginChoiceTests {
    @Test(
        "is where the stream's window is: the gateway, else the standby, else another", arguments: StreamState.allCases)
    func window(state: StreamState) throws {
        var nodes = try origins(6)
        let ranking = nodes.candidates(.origin).ranking(of: RankingKey(try stream("live/a")))
        let order = names(ranking, of: nodes.candidates(.origin))
        let entry = try entry(gateway: order[4], standby: order[3], state: state)
        let expected = state == .ended ? [order[0], order[0], order[0]] : [order[4], order[3], order[0]]
        #expect(try choose(nodes, [entry]) == expected[0])
        nodes.change(order[4]) { $0.health = .suspect }
        #expect(try choose(nodes, [entry]) == expected[1])
        nodes.change(order[3]) { $0.description.isDraining = true }
        #expect(try choose(nodes, [entry]) == expected[2])
    }

    @Test("spreads streams to at most 1.25 times the mean and one")
    func bounded() throws {
        let nodes = try origins(8)
        var entries: [StreamEntry] = []
        var counts: [String: Int] = [:]
        for number in 0..<400 {
            let name = "live/\(number)"
            let chosen = try #require(try choose(nodes, entries, for: name))
            entries.append(try entry(name, gateway: chosen))
            counts[chosen, default: 0] += 1
        }
        #expect(counts.values.allSatisfy { Double($0) <= 1.25 * 50 + 1 }, "\(counts)")
    }

    @Test("is nobody where no origin takes work or can be reached")
    func nobody() throws {
        var nodes = try origins(2)
        nodes.change("origin-1") { $0.description.publisherURL = "" }
        #expect(try choose(nodes, []) == "origin-2")
        nodes.change("origin-2") { $0.health = .suspect }
        #expect(try choose(nodes, []) == nil)
        #expect(try choose(nodes, [entry(gateway: "far", region: "elsewhere")]) == nil)
    }

    private func choose(_ nodes: Nodes, _ entries: [StreamEntry], for name: String = "live/a") throws -> String? {
        try nodes.snapshot(of: "origin-1", streams: entries).origin(for: stream(name))?.id.description
    }

    private func origins(_ count: Int) throws -> Nodes {
        try (1...count).reduce(into: Nodes()) { try $0.add("origin-\($1)", roles: .origin) }
    }
}
