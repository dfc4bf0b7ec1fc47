// SPDX-License-Identifier: Apache-2.0

import Cluster
import Placement
import TestKit
import Testing

@Suite("The choice of a version of the byte writer")
struct PackagingChoiceTests {
    /// What another member is, and what it writes.
    typealias Other = (roles: NodeRoles, health: MemberHealth, packaging: ClosedRange<UInt8>)

    @Test(
        "is the highest that all write who may hold the stream",
        arguments: [
            // Alone, and among nodes of the same program.
            (1...2, [], 2),
            (1...2, [(.origin, .alive, 1...2), (.edge, .alive, 1...2)], 2),
            // One that is not restarted yet, or pinned, or older by far: an origin, an edge, a shield.
            (1...2, [(.origin, .alive, 1...1), (.edge, .alive, 1...2)], 1),
            (1...2, [(.origin, .alive, 1...2), (.edge, .alive, 1...1)], 1),
            (1...4, [(.origin, .alive, 2...5), (.edge, .alive, 1...3)], 3),
            (1...2, [([.edge, .shield], .alive, 1...1)], 1),
            // This node is the old one.
            (1...1, [(.origin, .alive, 1...2), (.edge, .alive, 1...2)], 1),
            // Routers write nothing, and the dead no more; suspects may be well.
            (1...2, [(.router, .alive, 1...1), (.edge, .alive, 1...2)], 2),
            (1...2, [(.origin, .dead, 1...1), (.edge, .left, 1...1)], 2),
            (1...2, [(.origin, .suspect, 1...1)], 1),
            // Who writes none of this node's versions is left out.
            (2...3, [(.edge, .alive, 1...1), (.origin, .alive, 2...3)], 3),
            (2...3, [(.edge, .alive, 4...5)], 3),
            // Nothing is everybody's: most are served, the newer of two halves.
            (1...2, [(.edge, .alive, 1...1), (.edge, .alive, 1...1), (.edge, .alive, 2...3)], 1),
            (1...2, [(.edge, .alive, 1...1), (.edge, .alive, 2...3)], 2),
        ] as [(ClosedRange<UInt8>, [Other], UInt8)])
    func table(own: ClosedRange<UInt8>, others: [Other], version: UInt8) throws {
        var nodes = Nodes()
        try nodes.add("gateway", roles: .origin, packaging: 9...9)
        for (number, other) in others.enumerated() {
            try nodes.add("other-\(number)", roles: other.roles, packaging: other.packaging)
            nodes.change("other-\(number)") { $0.health = other.health }
        }
        #expect(try nodes.snapshot(of: "gateway").packaging(writing: own) == version)
    }

    @Test(
        "is one that all other regions write",
        arguments: [
            // All of the same program; one that is not restarted yet, or pinned to the first version.
            (1...3, [], [1...3, 1...3], 3),
            (1...3, [1...3], [1...2], 2),
            (1...3, [1...3], [1...3, 1...1], 1),
            // One that is ahead, and one of which nobody holds streams.
            (1...2, [1...2], [1...3, 0...255], 2),
            // The own region is the old one.
            (1...3, [1...1], [1...3], 1),
            // One that writes none of this node's versions is left out.
            (2...3, [2...3], [1...1], 3),
            (2...3, [2...3], [1...1, 1...2], 2),
            // Nothing is everybody's: another region counts as one node.
            (1...2, [2...2, 2...2], [1...1], 2),
        ] as [(ClosedRange<UInt8>, [ClosedRange<UInt8>], [ClosedRange<UInt8>], UInt8)])
    func regions(
        own: ClosedRange<UInt8>, others: [ClosedRange<UInt8>], regions: [ClosedRange<UInt8>], version: UInt8
    ) throws {
        var nodes = Nodes()
        try nodes.add("gateway", roles: .origin, packaging: own)
        for (number, written) in others.enumerated() {
            try nodes.add("other-\(number)", roles: .edge, packaging: written)
        }
        let summaries = try regions.enumerated().map { try summary("far-\($0)", packaging: $1) }
        #expect(try nodes.snapshot(of: "gateway", regions: summaries).packaging(writing: own) == version)
    }

    @Test("leaves out regions that do not say what they write, as a program of before need not write less")
    func unsaid() throws {
        var nodes = Nodes()
        try nodes.add("gateway", roles: .origin, packaging: 1...3)
        try nodes.add("edge", roles: .edge, packaging: 1...3)
        let silent = [try summary("far-1"), try summary("far-2"), try summary("far-3")]
        #expect(try nodes.snapshot(of: "gateway", regions: silent).packaging(writing: 1...3) == 3)
        let said = silent + [try summary("far-4", packaging: 1...2)]
        #expect(try nodes.snapshot(of: "gateway", regions: said).packaging(writing: 1...3) == 2)
        let first = silent + [try summary("far-4", packaging: 1...1)]
        #expect(try nodes.snapshot(of: "gateway", regions: first).packaging(writing: 1...3) == 1)
    }

    @Test("is the highest that is everybody's in all regions, where there is one", arguments: 0..<200 as Range<UInt64>)
    func common(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func written() -> ClosedRange<UInt8> {
            let lowest = UInt8.random(in: 1...2, using: &random)
            return lowest...UInt8.random(in: lowest...5, using: &random)
        }
        let own = written()
        let near = (0..<Int.random(in: 0...4, using: &random)).map { _ in written() }
        let far = (0..<Int.random(in: 0...3, using: &random)).map { _ in written() }
        var nodes = Nodes()
        try nodes.add("gateway", roles: .origin, packaging: own)
        for (number, range) in near.enumerated() { try nodes.add("n-\(number)", roles: .edge, packaging: range) }
        let summaries = try far.enumerated().map { try summary("far-\($0)", packaging: $1) }
        let version = try nodes.snapshot(of: "gateway", regions: summaries).packaging(writing: own)
        #expect(own.contains(version), "seed \(seed)")
        let common = own.filter { version in (near + far).allSatisfy { $0.contains(version) } }
        if let highest = common.last { #expect(version == highest, "seed \(seed)") }
    }

    @Test("counts those that drain, as they have viewers until they end")
    func draining() throws {
        var nodes = try Nodes.edges(2)
        try nodes.add("gateway", roles: .origin, packaging: 1...2)
        nodes.change("edge-1") { $0.description.packaging = 1...2 }
        nodes.change("edge-2") { $0.description.isDraining = true }
        #expect(try nodes.snapshot(of: "gateway").packaging(writing: 1...2) == 1)
    }

    @Test("leaves a standby where another origin writes what most write", arguments: 0..<100 as Range<UInt64>)
    func standby(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var nodes = Nodes()
        func written() -> ClosedRange<UInt8> {
            let lowest = UInt8.random(in: 1...3, using: &random)
            return lowest...UInt8.random(in: lowest...4, using: &random)
        }
        let own = written()
        try nodes.add("gateway", roles: .origin, packaging: own)
        for number in 0..<Int.random(in: 1...5, using: &random) {
            try nodes.add("origin-\(number)", roles: .origin, packaging: written())
        }
        let snapshot = try nodes.snapshot(of: "gateway")
        let version = snapshot.packaging(writing: own)
        #expect(own.contains(version), "seed \(seed)")
        let chosen = try snapshot.standby(of: stream("live/a"), gateway: node("gateway"), packaging: version)
        let isPossible = nodes.members.dropFirst().contains { $0.description.packaging.overlaps(own) }
        #expect((chosen != nil) == isPossible, "seed \(seed)")
    }
}
