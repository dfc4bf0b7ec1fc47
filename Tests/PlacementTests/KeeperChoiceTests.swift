// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import Testing

@Suite("The choice of who looks after recordings")
struct KeeperChoiceTests {
    @Test("is one origin with a store, the same on every node, and another where that one goes")
    func one() throws {
        var nodes = try Nodes.edges(2)
        for number in 1...3 { try nodes.add("plain-\(number)", roles: .origin) }
        for number in 1...4 { try nodes.add("origin-\(number)", roles: [.origin, .recorder]) }
        var seen: [NodeID] = []
        for _ in 1...4 {
            let chosen = Set(try nodes.members.map { try nodes.snapshot(of: "\($0.id)").recordingKeeper })
            let keeper = try #require(chosen.first ?? nil)
            #expect(chosen.count == 1 && keeper.description.hasPrefix("origin") && !seen.contains(keeper))
            seen.append(keeper)
            nodes.change(keeper.description) { $0.health = seen.count.isMultiple(of: 2) ? .dead : .suspect }
        }
        #expect(try nodes.snapshot(of: "edge-1").recordingKeeper == nil)
    }

    @Test("is nobody where no origin has a store")
    func nobody() throws {
        var nodes = try Nodes.edges(2)
        try nodes.add("origin-1", roles: .origin)
        #expect(try nodes.snapshot(of: "origin-1").recordingKeeper == nil)
    }
}
