// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import Testing

@Suite("Whom a taker of a term asks")
struct TermPeersTests {
    private func region() throws -> Nodes {
        var nodes = try Nodes.edges(20)
        for number in 1...4 { try nodes.add("origin-\(number)", roles: .origin) }
        for number in 1...2 { try nodes.add("shield-\(number)", roles: [.edge, .shield]) }
        try nodes.add("router", roles: .router)
        return nodes
    }

    private func peers(_ snapshot: PlacementSnapshot) throws -> [String] {
        try snapshot.termPeers(for: stream("live/a")).map(\.node.description)
    }

    @Test("are the standby and the gateway first, all origins and shields, some edges, nobody twice, and not itself")
    func order() throws {
        let held = try entry(gateway: "origin-2", standby: "origin-4")
        let found = try peers(try region().snapshot(of: "origin-1", streams: [held]))
        #expect(found.prefix(2) == ["origin-4", "origin-2"] && found.contains("origin-3"))
        #expect(found.contains("shield-1") && found.contains("shield-2"))
        #expect(Set(found).count == found.count && !found.contains("origin-1") && !found.contains("router"))
        #expect((5...13).contains(found.count))
    }

    @Test("are not the dead, but suspects: one of them may be the gateway")
    func health() throws {
        var nodes = try region()
        nodes.change("origin-2") { $0.health = .suspect }
        nodes.change("origin-4") { $0.health = .dead }
        let held = try entry(gateway: "origin-2", standby: "origin-4")
        let found = try peers(try nodes.snapshot(of: "origin-1", streams: [held]))
        #expect(found.first == "origin-2" && !found.contains("origin-4"))
    }

    @Test("are origins that drain, too: the promise of each of them counts")
    func draining() throws {
        var nodes = try region()
        nodes.change("origin-3") { $0.description.isDraining = true }
        nodes.change("origin-4") { $0.health = .suspect }
        let snapshot = try nodes.snapshot(of: "origin-1")
        let found = try peers(snapshot)
        #expect(found.contains("origin-3") && Set(found).count == found.count)
        #expect(snapshot.voters.allSatisfy { $0 == snapshot.view.node || found.contains($0.description) })
    }

    @Test("are the same without holders for a stream that is new or over")
    func unknown() throws {
        let over = try entry(gateway: "origin-2", standby: "origin-4", state: .ended)
        let new = try peers(try region().snapshot(of: "origin-1"))
        #expect(try peers(try region().snapshot(of: "origin-1", streams: [over])) == new)
        #expect(new.prefix(3) == ["origin-2", "origin-3", "origin-4"])
    }

    @Test("are waited for where they hold the stream and are believed alive")
    func holders() throws {
        var nodes = try region()
        let held = try entry(gateway: "origin-2", standby: "origin-4")
        let stream = try stream("live/a")
        let both = try nodes.snapshot(of: "origin-1", streams: [held]).livingHolders(of: stream)
        #expect(Set(both.map(\.description)) == ["origin-2", "origin-4"])
        let own = try nodes.snapshot(of: "origin-4", streams: [held]).livingHolders(of: stream)
        #expect(own.map(\.description) == ["origin-2"])
        nodes.change("origin-2") { $0.health = .suspect }
        let left = try nodes.snapshot(of: "origin-1", streams: [held]).livingHolders(of: stream)
        #expect(left.map(\.description) == ["origin-4"])
        let over = try entry(gateway: "origin-2", standby: "origin-4", state: .ended)
        #expect(try nodes.snapshot(of: "origin-1", streams: [over]).livingHolders(of: stream).isEmpty)
    }

    @Test("are asked by a gateway in doubt, too: the standby first, as far as they live, and at most eight")
    func witnesses() throws {
        var nodes = try region()
        let held = try entry(gateway: "origin-1", standby: "origin-4")
        let stream = try stream("live/a")
        func found() throws -> [String] {
            let snapshot = try nodes.snapshot(of: "origin-1", streams: [held])
            let peers = snapshot.termPeers(for: stream)
            let witnesses = snapshot.witnesses(of: stream)
            #expect(witnesses.count == min(8, peers.count) && witnesses.allSatisfy(peers.contains))
            return witnesses.map(\.node.description)
        }
        #expect(try found().first == "origin-4" && Set(["origin-2", "origin-3"]).isSubset(of: found()))
        nodes.change("origin-4") { $0.health = .suspect }
        let living = try nodes.snapshot(of: "origin-1", streams: [held]).witnesses(of: stream)
        let ids = living.map(\.node.description)
        #expect(ids.contains("origin-2") && !ids.contains("origin-4") && !ids.contains("origin-1"))
    }

    @Test(
        "have among a gateway's witnesses whom a taker in another region asks: doors come after the standby",
        arguments: [(1, "origin-9"), (1, nil), (9, "origin-9"), (0, "origin-9"), (0, nil)] as [(Int, String?)])
    func witnessesAbroad(shields: Int, standby: String?) throws {
        var home = Nodes()
        for number in 1...10 { try home.add("origin-\(number)", roles: .origin) }
        for number in 0..<shields { try home.add("shield-\(number)", roles: [.edge, .shield]) }
        let doors = home.members.map(\.id.description).filter { $0.hasPrefix(shields == 0 ? "origin" : "shield") }
        var abroad = Nodes()
        try abroad.add("far-1", roles: .origin, region: "far")
        let held = try entry(gateway: "origin-1", standby: standby)
        let told = try summary("local", doors: Array(doors.sorted().prefix(8)))
        let asked = try peers(try abroad.snapshot(of: "far-1", streams: [held], regions: [told]))
        let stream = try stream("live/a")
        let witnesses = try home.snapshot(of: "origin-1", streams: [held]).witnesses(of: stream)
        let ids = witnesses.map(\.node.description)
        #expect(ids.count == 8 && Set(ids).count == 8 && !ids.contains("origin-1"))
        #expect(standby == nil || ids.first == standby)
        let known = Set(asked).intersection(ids).count
        #expect(known >= min(asked.count, 7) && known > 0, "\(asked) are asked, and \(ids) say")
    }

    @Test("end a stream whose gateway is dead: the standby, or else the first origin of its ranking")
    func heirs() throws {
        var nodes = try region()
        let held = try entry(gateway: "origin-2", standby: "origin-4")
        func heir(_ entry: StreamEntry) throws -> String? {
            let found = Set(try ["origin-1", "edge-3"].map { try nodes.snapshot(of: $0).heir(of: entry)?.description })
            #expect(found.count == 1, "every node of the region means the same")
            return found.first ?? nil
        }
        nodes.change("origin-2") { $0.health = .suspect }
        #expect(try heir(held) == "origin-2")
        nodes.change("origin-2") { $0.health = .dead }
        #expect(try heir(held) == "origin-4")
        let unheard = try heir(try entry(gateway: "origin-2"))
        #expect(try unheard != nil && unheard != "origin-2" && heir(try entry(gateway: "gone")) == unheard)
        nodes.change("origin-4") { $0.health = .left }
        #expect(try ["origin-1", "origin-3"].contains(heir(held)))
        #expect(try heir(try entry(gateway: "origin-2", region: "far")) == nil)
    }

    @Test("are a quorum with this node while enough origins are alive, draining or not")
    func quorum() throws {
        var nodes = try region()
        #expect(try nodes.snapshot(of: "origin-1").hasQuorum(of: 4))
        #expect(try !nodes.snapshot(of: "origin-1").hasQuorum(of: 5))
        nodes.change("origin-2") { $0.description.isDraining = true }
        #expect(try nodes.snapshot(of: "origin-1").hasQuorum(of: 4))
        nodes.change("origin-3") { $0.health = .suspect }
        nodes.change("origin-4") { $0.health = .dead }
        let snapshot = try nodes.snapshot(of: "origin-1")
        #expect(snapshot.hasQuorum(of: 2) && !snapshot.hasQuorum(of: 3))
        #expect(Set(snapshot.voters.map(\.description)) == ["origin-1", "origin-2", "origin-3"])
        nodes.change("origin-2") { $0.health = .dead }
        #expect(try nodes.snapshot(of: "origin-1").hasQuorum(of: 0))
    }

    @Test("are the doors of the region, too, that a stream comes from")
    func elsewhere() throws {
        let far = try entry(gateway: "far-1", region: "far")
        let doors = try summary("far", doors: ["far-1", "far-2"])
        let found = try peers(try region().snapshot(of: "origin-1", streams: [far], regions: [doors]))
        #expect(found.suffix(2) == ["far-1", "far-2"] && found.contains("origin-2"))
    }
}
