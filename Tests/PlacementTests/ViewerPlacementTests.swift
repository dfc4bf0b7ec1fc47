// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import TestKit
import Testing

@Suite("A viewer's placement")
struct ViewerPlacementTests {
    @Test("is the same whenever the session comes back, on every router")
    func sticky() throws {
        var reversed = try Nodes.edges(10)
        reversed.members.reverse()
        let (one, other) = (try Nodes.edges(10).candidates(), reversed.candidates())
        var loads = EdgeLoads()
        loads.follow(one)
        let set = one.first(4, of: key(1))
        for number in 0..<1000 {
            let session = ViewerID(number: UInt64(number))
            let placement = try #require(loads.place(session, of: key(1), in: set, of: one))
            #expect(loads.place(session, of: key(1), in: set.reversed(), of: other) == placement)
            #expect(set.contains(placement.first))
            #expect(placement.second.map(set.contains) == true && placement.second != placement.first)
            #expect(!placement.isCrowded)
        }
    }

    @Test("names a second edge of another zone where the set has one")
    func zones() throws {
        let candidates = try Nodes.edges(12, zones: 3).candidates()
        var loads = EdgeLoads()
        loads.follow(candidates)
        let set = candidates.first(8, of: key(2))
        for number in 0..<200 {
            let placement = try #require(
                loads.place(ViewerID(number: UInt64(number)), of: key(2), in: set, of: candidates))
            let second = try #require(placement.second)
            #expect(
                candidates.members[placement.first].description.zone != candidates.members[second].description.zone)
        }
    }

    @Test("is not at a suspect, and needs an edge")
    func suspects() throws {
        var nodes = try Nodes.edges(3)
        nodes.change("edge-2") { $0.health = .suspect }
        let candidates = nodes.candidates()
        var loads = EdgeLoads()
        loads.follow(candidates)
        for number in 0..<100 {
            let placement = try #require(
                loads.place(ViewerID(number: UInt64(number)), of: key(1), in: [0, 1, 2], of: candidates))
            #expect(placement.first != 1 && placement.second != 1)
        }
        var none = EdgeLoads()
        none.follow(Nodes().candidates())
        #expect(none.place(ViewerID(number: 1), of: key(1), in: [], of: Nodes().candidates()) == nil)
        #expect(none.use == 1)
    }

    @Test("is outside the set only when all of the set is over, and with the least loaded when all are full")
    func spill() throws {
        let candidates = try Nodes.edges(6).candidates()
        let ranking = candidates.ranking(of: key(1))
        var loads = EdgeLoads()
        loads.follow(candidates)
        let set = Array(ranking.prefix(2))
        var firsts: [Int: Int] = [:]
        for number in 0..<240 {
            let placement = try #require(
                loads.place(ViewerID(number: UInt64(number)), of: key(1), in: set, of: candidates))
            if !set.contains(placement.first) {
                #expect(set.allSatisfy { loads.load(of: $0) > 0.09 }, "viewer \(number)")
            }
            firsts[placement.first, default: 0] += 1
            loads.assign(key(1), to: placement.first, now: .zero)
        }
        #expect(firsts.keys.contains(ranking[2]))
        var last: ViewerPlacement?
        for number in 240..<2600 {
            last = loads.place(ViewerID(number: UInt64(number)), of: key(1), in: set, of: candidates)
            if let last { loads.assign(key(1), to: last.first, now: .zero) }
        }
        #expect(last?.isCrowded == true)
    }

    @Test("fills edges to at most 1.25 times the mean, 5000 sessions over Zipf audiences", arguments: [3, 6, 20, 50])
    func zipf(edges: Int) throws {
        var region = try RegionModel(Nodes.edges(edges, capacity: UInt32(25_000 / edges)))
        var random = SeededRandom(seed: UInt64(edges))
        let audience = Zipf(count: 200, exponent: 0.9)
        for _ in 0..<5000 { try region.watch(audience.pick(using: &random), using: &random) }
        let ratio = region.ratio
        print("5000 sessions over Zipf audiences on \(edges) edges: max/avg \(ratio), copies \(region.copies)")
        #expect(ratio <= 1.25)
    }

    @Test("fills edges by weight, 1:4")
    func weights() throws {
        var nodes = try Nodes.edges(20, capacity: 500)
        for number in 1...10 { nodes.change("edge-\(number)") { $0.description.capacity = 2000 } }
        var region = try RegionModel(nodes)
        var random = SeededRandom(seed: 7)
        let audience = Zipf(count: 200, exponent: 0.9)
        for _ in 0..<5000 { try region.watch(audience.pick(using: &random), using: &random) }
        print("weights 1:4: max/avg \(region.ratio) of the weighted share")
        #expect(region.ratio <= 1.25)
    }
}
