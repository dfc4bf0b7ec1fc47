// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import Testing

@Suite("The upstream of a node")
struct UpstreamTests {
    @Test("is the holders for the few edges of the gateway's region, half of which begin at each")
    func direct() throws {
        var nodes = try Nodes.edges(40)
        try addHome(&nodes, shields: 3)
        let entry = try entry(gateway: "origin-1", standby: "origin-2")
        var first: [String: Int] = [:]
        for number in 1...40 {
            let parents = try parents(nodes, of: "edge-\(number)", entry, edgeCount: 4)
            #expect(Set(parents) == ["origin-1", "origin-2"])
            first[parents[0], default: 0] += 1
        }
        #expect(first.values.allSatisfy { $0 >= 10 }, "\(first)")
        #expect(try parents(nodes, of: "origin-1", entry, edgeCount: 4).isEmpty)
        #expect(try parents(nodes, of: "origin-2", entry, edgeCount: 4).isEmpty)
        var over = entry
        over.state = .ended
        let before = try parents(nodes, of: "edge-1", entry, edgeCount: 4)
        #expect(try parents(nodes, of: "edge-1", over, edgeCount: 4) == before)
    }

    @Test("is the first two shields of the ranking for many edges, and the holders for the shields")
    func shields() throws {
        var nodes = try Nodes.edges(40)
        try addHome(&nodes, shields: 4)
        let entry = try entry(gateway: "origin-1", standby: "origin-2")
        let snapshot = try nodes.snapshot(of: "edge-1")
        let ranking = names(snapshot.shields.first(2, of: RankingKey(entry.stream)), of: snapshot.shields)
        for number in 1...40 {
            #expect(try parents(nodes, of: "edge-\(number)", entry, edgeCount: 5) == ranking)
        }
        for number in 1...4 {
            #expect(Set(try parents(nodes, of: "shield-\(number)", entry, edgeCount: 5)) == ["origin-1", "origin-2"])
        }
        nodes.change(ranking[0]) { $0.health = .suspect }
        #expect(try parents(nodes, of: "edge-1", entry, edgeCount: 5).first == ranking[1])
        nodes.change(ranking[0]) { $0.health = .dead }
        #expect(try parents(nodes, of: "edge-1", entry, edgeCount: 5).first == ranking[1])
        #expect(try !parents(nodes, of: "edge-1", entry, edgeCount: 5).contains(ranking[0]))
    }

    @Test(
        "is elsewhere the region's shields, for them the doors of the gateway's region, and for the last of them both")
    func remote() throws {
        var nodes = try Nodes.edges(10)
        let home = try summary("home", doors: ["door-1", "door-2", "door-3"])
        let entry = try entry(gateway: "door-2", standby: "hidden", region: "home")
        let alone = try parents(nodes, of: "edge-1", entry, edgeCount: 1, regions: [home])
        #expect(alone.count == 2 && alone.first == "door-2", "a door that holds the feed saves a hop")
        try nodes.add("shield-1", roles: [.edge, .shield])
        let one = try parents(nodes, of: "edge-1", entry, edgeCount: 1, regions: [home])
        #expect(one == ["shield-1", "door-2"])
        #expect(try parents(nodes, of: "shield-1", entry, edgeCount: 1, regions: [home]) == alone)
        try nodes.add("shield-2", roles: [.edge, .shield])
        #expect(
            Set(try parents(nodes, of: "edge-1", entry, edgeCount: 1, regions: [home])) == ["shield-1", "shield-2"])
        #expect(try parents(nodes, of: "shield-1", entry, edgeCount: 1).isEmpty, "no summary, no parent")
    }

    @Test("is always of a lower level")
    func levels() throws {
        var nodes = try Nodes.edges(3)
        try addHome(&nodes, shields: 2)
        let snapshot = try nodes.snapshot(of: "edge-1")
        let here = try entry(gateway: "origin-1", standby: "origin-2")
        let there = try entry(gateway: "far", region: "home")
        let levels = { (name: String, entry: StreamEntry) in snapshot.level(of: try node(name), for: entry) }
        #expect(try levels("origin-1", here) == .holder && levels("origin-2", here) == .holder)
        #expect(try levels("shield-1", here) == .homeShield && levels("shield-1", there) == .remoteShield)
        #expect(try levels("origin-3", here) == .edge && levels("edge-1", here) == .edge)
        let flat = try nodes.without("shield-1").without("shield-2").snapshot(of: "edge-1")
        #expect(flat.level(of: try node("origin-3"), for: here) == .homeShield, "without shields, origins are doors")
        #expect(flat.level(of: try node("origin-3"), for: there) == .edge)
    }

    private func parents(
        _ nodes: Nodes, of name: String, _ entry: StreamEntry, edgeCount: Int, regions: [RegionSummary] = []
    ) throws -> [String] {
        try nodes.snapshot(of: name, streams: [entry], regions: regions)
            .parents(of: node(name), for: entry, edgeCount: edgeCount).map(\.node.description)
    }
}

/// Three origins and some shields.
func addHome(_ nodes: inout Nodes, shields: Int) throws {
    for number in 1...3 { try nodes.add("origin-\(number)", roles: .origin) }
    for number in 1...shields { try nodes.add("shield-\(number)", roles: [.edge, .shield]) }
}
