// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Relay
import Testing

@Suite("Nodes that hold a feed over the relay")
struct RelayPropertyTests {
    @Test("have the gateway's records, parts and playlists, two levels down", arguments: UInt64(1)...4)
    func calm(seed: UInt64) throws {
        let world = try RelayWorld(seed: seed)
        try world.run(for: .seconds(12))
        try world.drain()
        for index in 1..<6 {
            try world.expectWhole(index)
            let (isLevel, counters) = (world.nodes[index].subscriber?.isLevel, world.nodes[index].subscriber?.counters)
            #expect(isLevel == true)
            // Nobody goes to another parent without a reason, and every record comes once.
            #expect(counters == RelayCounters(), "node \(index), seed \(seed)")
        }
        let (texts, parts, checked) = (world.texts.count, world.parts.count, world.nodes[4].feed?.digests.checked ?? 0)
        #expect(texts > 20 && parts > 40 && checked >= 9)
    }

    @Test(
        "never tear, whatever breaks: cuts, freezes, restarts, slow links, changes of parent",
        arguments: UInt64(1)...20)
    func storm(seed: UInt64) throws {
        let world = try RelayWorld(seed: seed)
        world.faults = 200
        try world.run(for: .seconds(15))
        world.faults = 0
        try world.run(for: .seconds(5))
        try world.drain()
        for index in 1..<6 { try world.expectWhole(index) }
        let partings = world.nodes.reduce(0) { $0 + $1.partings.count }
        #expect(partings > 0, "seed \(seed)")
    }

    @Test("list what a joiner lists who comes late", arguments: UInt64(1)...6)
    func late(seed: UInt64) throws {
        let world = try RelayWorld(seed: seed)
        for index in [3, 5] { world.nodes[index].isDown = true }
        try world.run(for: .milliseconds(8000 + Int(seed) * 430))
        for index in [3, 5] { world.nodes[index].isDown = false }
        try world.run(for: .seconds(2))
        try world.drain()
        for index in [3, 5] { try world.expectWhole(index) }
    }

    @Test(
        "begin together when the stream is older than its window, and again when their parent dies",
        arguments: UInt64(1)...8)
    func cold(seed: UInt64) throws {
        let world = try RelayWorld(seed: seed)
        world.nodes[2].parents = [0]
        for index in 4...6 { world.nodes[index].parents = [2] }
        for index in 2...6 { world.nodes[index].isDown = true }
        try world.run(for: .milliseconds(11_000 + Int(seed) * 130))
        for index in [2, 4, 5] { world.nodes[index].isDown = false }
        try world.expectLevelAtOnce(5)
        try world.run(for: .seconds(2))
        for _ in 0..<2 {
            world.kill(2)
            world.nodes[2].restart()
            try world.run(for: .seconds(1))
            world.nodes[2].isDown = false
            try world.run(for: .seconds(3))
        }
        try world.drain()
        for index in [2, 4, 5] { try world.expectWhole(index) }
    }

    @Test("leave a parent that hears the gateway no more, once, and resume where they are", arguments: UInt64(1)...6)
    func cutOff(seed: UInt64) throws {
        let world = try RelayWorld(seed: seed)
        try world.run(for: .seconds(6))
        world.nodes[2].parents = []
        for wire in world.wires where wire.child == 2 { world.cut(wire) }
        try world.run(for: .seconds(2))
        world.nodes[2].parents = [0, 1]
        try world.run(for: .seconds(4))
        try world.drain()
        for (index, switches) in [(3, 0), (4, 1), (5, 0)] {
            try world.expectWhole(index)
            let counters = world.nodes[index].subscriber?.counters
            #expect(counters?.switches == switches && counters?.repeatedRecords == 0, "node \(index), seed \(seed)")
        }
    }

    @Test("leave a parent that has come to have the stream from them", arguments: UInt64(1)...6)
    func circle(seed: UInt64) throws {
        let world = try RelayWorld(seed: seed)
        world.nodes[2].parents = [1]
        world.nodes[3].parents = [2, 0]
        try world.run(for: .seconds(6))
        // Shield 3 has it from shield 2, and the gateway held ready. Now shield 2 turns to shield 3.
        world.nodes[2].parents = [3]
        for wire in world.wires where wire.child == 2 { world.cut(wire) }
        try world.run(for: .seconds(9))
        try world.drain()
        for index in 2...5 { try world.expectWhole(index) }
        let switches = world.nodes[3].subscriber?.counters.switches
        #expect(switches == 1, "seed \(seed)")
    }

    @Test("go on from the other parent when theirs dies, without a record twice", arguments: UInt64(1)...6)
    func death(seed: UInt64) throws {
        let world = try RelayWorld(seed: seed)
        try world.run(for: .seconds(6))
        world.kill(2)
        try world.run(for: .seconds(4))
        try world.drain()
        for index in 3...5 {
            try world.expectWhole(index)
            let counters = world.nodes[index].subscriber?.counters
            #expect(counters == RelayCounters(), "node \(index), seed \(seed)")
        }
    }

    @Test("go on in a new term when the gateway dies, and list nothing that goes back", arguments: UInt64(1)...10)
    func takeover(seed: UInt64) throws {
        let world = try RelayWorld(seed: seed)
        world.faults = 60
        try world.run(for: .milliseconds(7000 + Int(seed) * 137))
        world.faults = 0
        try world.run(for: .seconds(4))
        let listed = (2..<6).map { world.nodes[$0].feed?.window.committed }
        try world.takeOver()
        try world.run(for: .seconds(9))
        try world.drain()
        for (index, before) in zip(2..<6, listed) {
            try world.expectWhole(index)
            let (committed, term) = (
                world.nodes[index].feed?.window.committed, world.nodes[index].subscriber?.term
            )
            #expect(try #require(committed) > #require(before), "seed \(seed)")
            #expect(term == Term(number: 2000, salt: 2))
        }
    }
}

@Suite("A standby that holds the feed")
struct StandbyTests {
    @Test("holds listing back until it has the part, and frees it when it is lost")
    func commit() throws {
        let world = try RelayWorld(seed: 3)
        world.delay = 80...80
        try world.run(for: .seconds(5))
        let wires = world.wires
        let wire = try #require(wires.first { $0.child == 1 })
        wire.frozenUntil = .seconds(5) + .milliseconds(450)
        try world.run(for: .milliseconds(400))
        let committed = world.commits.committed
        let held = try #require(committed)
        let (waiting, listed, next) = (
            world.commits.waitingCount, world.nodes[0].feed?.window.committed, world.nodes[0].feed?.next
        )
        #expect(waiting >= 1 && listed == held.part)
        let newest = try #require(next)
        #expect(held.position.number + 8 < newest.number)
        world.kill(1)
        let left = world.commits.waitingCount
        #expect(left == 0)
        try world.run(for: .seconds(2))
        try world.drain()
        let now = world.commits.committed
        let later = try #require(now)
        #expect(later.position > held.position)
        for index in [2, 3] { try world.expectWhole(index) }
    }

    @Test("has everything that anybody lists, at any moment", arguments: UInt64(1)...6)
    func survives(seed: UInt64) throws {
        let world = try RelayWorld(seed: seed)
        try world.run(for: .seconds(3))
        for _ in 0..<40 {
            try world.run(for: .milliseconds(110))
            let next = world.nodes[1].feed?.next
            let standby = try #require(next)
            for node in world.nodes {
                guard let commit = node.feed?.commit else { continue }
                let (position, name) = (commit.position, node.name)
                #expect(position < standby, "\(name), seed \(seed)")
            }
        }
    }
}
