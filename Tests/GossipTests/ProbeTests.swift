// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import Testing

@Suite("A probe")
struct ProbeTests {
    @Test("is answered by an ack, and accuses nobody")
    func answered() throws {
        var pool = Pool(others: 1)
        for _ in 0..<10 {
            let probe = try pool.nextPing()
            pool.hear(.ack(sequence: probe.sequence, localHealth: 0))
        }
        #expect(pool.health(1) == .alive)
        #expect(pool.membership.health == 0)
    }

    @Test("goes to every member once in a round")
    func round() {
        var pool = Pool(others: 20)
        var probed: [Endpoint] = []
        while probed.count < 40, let probe = pool.pass(until: ping, within: .seconds(5)) {
            probed.append(probe.to)
            pool.hear(.ack(sequence: probe.sequence, localHealth: 0))
        }
        #expect(Set(probed.suffix(20)).count == 20)
    }

    @Test("asks three others and pings over a stream after the probe timeout")
    func indirect() throws {
        var pool = Pool(others: 6)
        let probe = try pool.nextPing()
        let began = pool.now
        let opened: (Endpoint, GossipStreamMessage)? = pool.pass(
            until: { directive in
                guard case .open(_, let to, let message) = directive, case .ping = message else { return nil }
                return (to, message)
            }, within: .seconds(1))
        #expect(pool.now - began == .milliseconds(200))
        #expect(opened?.0 == probe.to)
        let helpers = pool.sent.filter { if case .pingRequest = $0.datagram.message { true } else { false } }
        #expect(Set(helpers.map(\.to)).count == 3)
        #expect(!helpers.map(\.to).contains(probe.to))
    }

    @Test("that a stream answers accuses nobody")
    func fallback() throws {
        var pool = Pool(others: 1)
        let probe = try pool.nextPing()
        pool.pass(.milliseconds(250))
        pool.hear(.ack(sequence: probe.sequence), on: .opened(1))
        pool.pass(.milliseconds(240))
        #expect(pool.health(1) == .alive)
    }

    @Test("without an answer makes a suspect at the end of its interval")
    func fails() throws {
        var pool = Pool(others: 4)
        _ = try pool.nextPing()
        pool.pass(.milliseconds(499))
        #expect((1...4).allSatisfy { pool.health($0) == .alive })
        pool.pass(.milliseconds(2))
        #expect((1...4).filter { pool.health($0) == .suspect }.count == 1)
    }

    @Test(
        "costs local health what the silence of helpers says of it",
        arguments: [(nacks: 0, health: 3), (1, 2), (2, 1), (3, 0), (5, 0)])
    func nacks(nacks: Int, health: Int) throws {
        var pool = Pool(others: 6)
        let probe = try pool.nextPing()
        pool.pass(.milliseconds(300))
        for _ in 0..<nacks { pool.hear(.nack(sequence: probe.sequence), from: 2) }
        pool.pass(.milliseconds(210))
        #expect(pool.membership.health == health)
    }

    @Test("asks others at once where sending gives an error")
    func sendError() throws {
        var pool = Pool(others: 5)
        let probe = try pool.nextPing()
        pool.directives = []
        pool.membership.sendFailed(to: endpoint(77), now: pool.now, using: &pool.random, into: &pool.directives)
        #expect(pool.directives.isEmpty)
        pool.membership.sendFailed(to: probe.to, now: pool.now, using: &pool.random, into: &pool.directives)
        #expect(pool.messages.count == 3)
        pool.pass(.milliseconds(501))
        #expect((1...5).filter { pool.health($0) == .suspect }.count == 1)
    }

    @Test("tells a suspect first that it is one")
    func buddy() throws {
        var pool = Pool(others: 1)
        pool.hear(.suspect(name(1), incarnation: 100, accuser: name(5)))
        let probe = try pool.nextPing()
        #expect(probe.rumours.first == .suspect(name(1), incarnation: 100, accuser: name(0)))
        pool.directives = []
        pool.hear(.ping(sequence: 9, target: name(0)), from: 1)
        #expect(pool.sent.first?.datagram.rumours.first == .suspect(name(1), incarnation: 100, accuser: name(0)))
    }

    @Test("is not answered for another node")
    func wrongTarget() {
        var pool = Pool(others: 2)
        pool.hear(.ping(sequence: 9, target: name(2)), from: 1)
        #expect(pool.messages.isEmpty)
        pool.hear(.ping(sequence: 9, target: name(2)), on: .accepted(1))
        #expect(pool.written.isEmpty)
    }

    @Test("for another is passed on, nacked at 80 % of the timeout, and answered when the answer comes")
    func relayed() throws {
        var pool = Pool(others: 0)
        pool.hear(.pingRequest(sequence: 77, target: name(2), at: endpoint(2)), from: 1)
        guard case .ping(let sequence, let target) = try #require(pool.messages.first) else {
            Issue.record("no ping")
            return
        }
        #expect(target == name(2))
        pool.directives = []
        pool.pass(.milliseconds(159))
        #expect(!pool.messages.contains(.nack(sequence: 77)))
        pool.pass(.milliseconds(1))
        #expect(pool.messages.contains(.nack(sequence: 77)))
        pool.hear(.ack(sequence: sequence, localHealth: 0), from: 2)
        #expect(pool.sent.last?.to == endpoint(1))
        #expect(pool.messages.last == .ack(sequence: 77, localHealth: 0))
    }

    @Test("of a node that stood still is forgotten, and no suspect is judged for that time")
    func pause() throws {
        var pool = Pool(others: 3)
        pool.hear(.suspect(name(2), incarnation: 100, accuser: name(3)))
        _ = try pool.nextPing()
        pool.now += .seconds(60)
        pool.directives = []
        pool.membership.tick(now: pool.now, using: &pool.random, into: &pool.directives)
        #expect(pool.health(2) == .suspect)
        #expect(pool.reports.contains { if case .paused = $0 { true } else { false } })
        #expect([1, 3].allSatisfy { pool.health($0) == .alive })
    }
}
