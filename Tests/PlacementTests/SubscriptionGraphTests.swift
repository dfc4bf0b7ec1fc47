// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import TestKit
import Testing

/// Nodes of two regions, each with beliefs of its own that change at any time, and their subscriptions to one stream.
private struct Graph {
    private struct Place {
        var snapshot: PlacementSnapshot
        var entry: StreamEntry
        var parent: String?
    }

    private let nodes: Nodes
    private let entries: [StreamEntry]
    private var places: [String: Place] = [:]
    private(set) var accepted = 0

    init(using random: inout SeededRandom) throws {
        var nodes = Nodes()
        for number in 1...3 { try nodes.add("origin-\(number)", roles: [.origin, .edge]) }
        for number in 1...6 { try nodes.add("edge-\(number)", roles: number < 3 ? [.edge, .shield] : .edge) }
        for number in 1...6 {
            try nodes.add("far-\(number)", roles: number < 3 ? [.edge, .shield] : .edge, region: "far")
        }
        self.nodes = nodes
        entries = try ["origin-1", "origin-2", "origin-3"].map { try entry(gateway: $0, standby: "edge-1") }
        for member in nodes.members { try believe(member.id.description, using: &random) }
    }

    /// A node changes its beliefs: what is against them ends, and it subscribes anew.
    mutating func step(using random: inout SeededRandom) throws {
        let name = nodes.members[Int.random(in: 0..<nodes.members.count, using: &random)].id.description
        try believe(name, using: &random)
        places[name]?.parent = nil
        for child in places.keys.sorted() where places[child]?.parent == name {
            if try admission(of: child, at: name, redirects: 3) != .accept { places[child]?.parent = nil }
        }
        try subscribe(name)
    }

    /// The longest way up from any node; nil where one never ends.
    var depth: Int? {
        var deepest = 0
        for name in places.keys {
            var (at, steps) = (name, 0)
            while let parent = places[at]?.parent {
                (at, steps) = (parent, steps + 1)
                if steps > places.count { return nil }
            }
            deepest = max(deepest, steps)
        }
        return deepest
    }

    private mutating func believe(_ name: String, using random: inout SeededRandom) throws {
        let region = nodes.members.first { $0.id.description == name }?.description.region ?? .local
        var seen = Nodes(members: nodes.members.filter { $0.description.region == region })
        for index in seen.members.indices where Int.random(in: 0..<4, using: &random) == 0 {
            seen.members[index].health = MemberHealth.allCases[Int.random(in: 0..<4, using: &random)]
            if Bool.random(using: &random) { seen.members[index].description.roles.formSymmetricDifference(.shield) }
        }
        let doors = ["edge-1", "edge-2", "origin-3", "edge-3"].shuffled(using: &random).prefix(3)
        let entry = entries[Int.random(in: 0..<entries.count, using: &random)]
        places[name] = Place(
            snapshot: try seen.snapshot(
                of: name, streams: [entry], regions: [try summary("local", doors: Array(doors))]),
            entry: entry)
    }

    private mutating func subscribe(_ name: String) throws {
        guard let place = places[name] else { return }
        let parents = place.snapshot.parents(of: try node(name), for: place.entry, edgeCount: 5)
        for parent in parents {
            var at = parent.node.description
            for redirects in 0...3 {
                switch try admission(of: name, at: at, redirects: redirects) {
                case .accept:
                    places[name]?.parent = at
                    accepted += 1
                    return
                case .redirect(let upstream, _): at = upstream.node.description
                case .refuseCircle, .refuseDistance, nil: break
                }
            }
        }
    }

    private func admission(of child: String, at parent: String, redirects: Int) throws -> SubscriptionAdmission? {
        guard let asking = places[child], let asked = places[parent] else { return nil }
        let id = try node(child)
        let request = SubscriptionRequest(
            node: id, region: asking.snapshot.region, level: asking.snapshot.level(of: id, for: asking.entry),
            via: [RankingKey(id).tag], redirects: redirects)
        let subscribers = places.values.count { $0.parent == parent }
        return asked.snapshot.admit(request, for: asked.entry, subscribers: subscribers)
    }
}

@Suite("The graph of subscriptions")
struct SubscriptionGraphTests {
    @Test("has no circle and at most three hops, whatever each node believes", arguments: 1...20 as ClosedRange<UInt64>)
    func acyclic(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var graph = try Graph(using: &random)
        for step in 0..<300 {
            try graph.step(using: &random)
            let depth = try #require(graph.depth, "seed \(seed), step \(step)")
            #expect(depth <= 3, "seed \(seed), step \(step)")
        }
        #expect(graph.accepted > 100, "seed \(seed)")
    }
}
