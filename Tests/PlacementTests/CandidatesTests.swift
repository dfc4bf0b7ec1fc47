// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import TestKit
import Testing

@Suite("A ranking")
struct CandidatesTests {
    /// Computed by an independent program; edges 7 and 8 weigh four times as much as the others.
    @Test(
        "is the same on every node and version",
        arguments: [("live/a", [8, 7, 6, 2, 3, 1, 4, 5]), ("live/b", [8, 2, 7, 4, 5, 3, 1, 6])])
    func vectors(name: String, order: [Int]) throws {
        var nodes = try Nodes.edges(8)
        for name in ["edge-7", "edge-8"] { nodes.change(name) { $0.description.capacity = 4000 } }
        nodes.members.reverse()
        let candidates = nodes.candidates()
        let ranking = candidates.ranking(of: RankingKey(try stream(name)))
        #expect(names(ranking, of: candidates) == order.map { "edge-\($0)" })
    }

    @Test("holds shields only where there are not two other edges", arguments: 0...3)
    func shields(plain: Int) throws {
        var nodes = Nodes()
        for number in 1...2 { try nodes.add("shield-\(number)", roles: [.edge, .shield]) }
        for number in 0..<plain { try nodes.add("edge-\(number)", roles: .edge) }
        let edges = try nodes.snapshot(of: "shield-1").edges
        #expect(edges.count == (plain < 2 ? plain + 2 : plain))
        #expect(edges.members.contains { $0.description.roles.contains(.shield) } == (plain < 2))
    }

    @Test("begins with every shorter one", arguments: 1...8 as ClosedRange<UInt64>)
    func prefixes(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var nodes = try Nodes.edges(Int.random(in: 1...120, using: &random))
        for index in nodes.members.indices {
            nodes.members[index].description.capacity = UInt32.random(in: 1...4000, using: &random)
        }
        let candidates = nodes.candidates()
        for number in 0..<50 {
            let whole = candidates.ranking(of: key(number))
            #expect(Set(whole) == Set(0..<candidates.count), "seed \(seed)")
            for count in 0...candidates.count + 1 {
                #expect(candidates.first(count, of: key(number)) == Array(whole.prefix(count)), "seed \(seed)")
            }
        }
    }

    @Test("moves only what a lost node had, and a new node takes its share from all", arguments: [10, 50])
    func movement(count: Int) throws {
        let keys = 50_000
        let (some, more) = (try Nodes.edges(count), try Nodes.edges(count + 1))
        let added = "edge-\(count + 1)"
        let (before, after) = (some.candidates(), more.candidates())
        var moved = 0
        for number in 0..<keys {
            let old = names(before.first(1, of: key(number)), of: before)
            let new = names(after.first(1, of: key(number)), of: after)
            guard old != new else { continue }
            moved += 1
            #expect(new == [added], "a survivor's key \(number) moved to another survivor")
        }
        let share = Double(moved) / Double(keys)
        print("one more edge beside \(count): \(share * 100) % of the keys move, ideal \(100 / Double(count + 1)) %")
        #expect(share <= 1 / Double(count) + 0.01)
        #expect(share >= 1 / Double(count + 1) - 0.01)
    }

    @Test("gives a node of four times the capacity four times the keys, and movement only to who grew")
    func weights() throws {
        var nodes = try Nodes.edges(20)
        for number in 1...10 { nodes.change("edge-\(number)") { $0.description.capacity = 4000 } }
        let candidates = nodes.candidates()
        nodes.change("edge-20") { $0.description.capacity = 2000 }
        let grown = nodes.candidates()
        var big = 0
        let keys = 50_000
        for number in 0..<keys {
            let first = names(candidates.first(1, of: key(number)), of: candidates)
            let second = names(grown.first(1, of: key(number)), of: grown)
            #expect(first == second || second == ["edge-20"])
            if let index = candidates.first(1, of: key(number)).first,
                candidates.members[index].description.capacity == 4000
            {
                big += 1
            }
        }
        let ratio = Double(big) / Double(keys - big)
        print("weights 1:4 give keys 1:\(ratio)")
        #expect((3.8...4.2).contains(ratio))
    }

    @Test("leaves out the dead, the gone, the draining, those without capacity and those elsewhere")
    func excluded() throws {
        var nodes = try Nodes.edges(6)
        nodes.change("edge-1") { $0.health = .dead }
        nodes.change("edge-2") { $0.health = .left }
        nodes.change("edge-3") { $0.description.isDraining = true }
        nodes.change("edge-4") { $0.description.capacity = 0 }
        nodes.change("edge-5") { $0.description.roles = .origin }
        try nodes.add("far", roles: .edge, region: "elsewhere")
        #expect(nodes.candidates().members.map(\.id.description) == ["edge-6"])
    }

    @Test("keeps a suspect in its place, and lets one more stand in for it")
    func suspects() throws {
        var nodes = try Nodes.edges(10)
        let before = nodes.candidates()
        let whole = names(before.ranking(of: key(1)), of: before)
        nodes.change(whole[0]) { $0.health = .suspect }
        nodes.change(whole[2]) { $0.health = .suspect }
        let after = nodes.candidates()
        #expect(names(after.ranking(of: key(1)), of: after) == whole)
        #expect(names(after.working(2, of: key(1)), of: after) == Array(whole.prefix(4)))
        #expect(names(before.working(2, of: key(1)), of: before) == Array(whole.prefix(2)))
    }

    @Test("of nobody is empty")
    func empty() throws {
        let nobody = Nodes().candidates()
        #expect(nobody.ranking(of: key(1)).isEmpty)
        #expect(nobody.working(2, of: key(1)).isEmpty)
        #expect(nobody.index(of: try node("a")) == nil)
    }
}
