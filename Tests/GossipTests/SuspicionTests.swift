// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import Testing

@Suite("A suspicion")
struct SuspicionTests {
    /// With the profile edge: minimum 4 × max(1, min(2, log10 n)) × 0.5 s, maximum 4 times that, between them by ln.
    @Test(
        "lasts the shorter the more accuse",
        arguments: [
            (members: 10, accusers: 1, seconds: 8.0), (10, 2, 4.214), (10, 3, 2.0), (10, 5, 2.0), (100, 1, 16.0),
            (100, 3, 4.0), (1000, 3, 4.0), (3, 1, 2.0),
        ])
    func timeout(members: Int, accusers: Int, seconds: Double) throws {
        var pool = Pool(others: members - 1, settings: .quiet)
        for accuser in 0..<accusers {
            pool.hear(.suspect(name(2), incarnation: 100, accuser: name(100 + accuser)))
        }
        let death = pool.deathOf(2)
        let end = try #require(death)
        #expect(abs(end / .seconds(1) - seconds) < 0.05)
    }

    @Test("counts each accuser once")
    func sameAccuser() throws {
        var pool = Pool(others: 9, settings: .quiet)
        for _ in 0..<5 { pool.hear(.suspect(name(2), incarnation: 100, accuser: name(3))) }
        let death = pool.deathOf(2)
        #expect(try abs(#require(death) / .seconds(1) - 8) < 0.05)
    }

    @Test("ends when the member refutes")
    func refuted() {
        var pool = Pool(others: 9, settings: .quiet)
        pool.hear(.suspect(name(2), incarnation: 100, accuser: name(3)))
        pool.hear(.alive(description(2), incarnation: 100))
        #expect(pool.health(2) == .suspect)
        pool.hear(.alive(description(2), incarnation: 101))
        #expect(pool.health(2) == .alive)
        let death = pool.deathOf(2)
        #expect(death == nil)
    }

    @Test("is what another's judgement is taken for where there was none, or it is young")
    func earlyDeath() {
        var pool = Pool(others: 9, settings: .quiet)
        pool.hear(.dead(name(2), incarnation: 100, accuser: name(3)))
        #expect(pool.health(2) == .suspect)
        pool.hear(.dead(name(2), incarnation: 100, accuser: name(3)))
        #expect(pool.health(2) == .suspect)
        pool.pass(.milliseconds(1100))
        pool.hear(.dead(name(2), incarnation: 100, accuser: name(3)))
        #expect(pool.health(2) == .dead)
    }
}

extension GossipSettings {
    /// Edge, but nobody is probed: only rumours accuse.
    fileprivate static let quiet: GossipSettings = {
        var settings = GossipSettings.edge
        settings.pingsByStream = false
        return settings
    }()
}

extension Pool {
    /// How long until a member is dead; all others answer every ping.
    fileprivate mutating func deathOf(_ number: Int) -> Duration? {
        let begin = now
        return live(for: .seconds(30), until: { $0.health(number) == .dead }) ? now - begin : nil
    }
}
