// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import TestKit
import Testing

@Suite("Orders about keys")
struct KeyOrderTests {
    @Test(
        "count by their time, then by their verb",
        arguments: [
            (known: order(5, .use), new: order(6, .remove), isNew: true),
            (order(5, .use), order(4, .remove), false),
            (order(5, .use), order(5, .use), false),
            (order(5, .remove), order(5, .use), true),
            (order(5, .use), order(5, .remove), false),
            (order(5, .use, key: 1), order(4, .use, key: 2), true),
        ])
    func newest(known: KeyOrder, new: KeyOrder, isNew: Bool) {
        var node = Core()
        node.hear(.key(known))
        node.directives = []
        node.hear(.key(new))
        let obeyed = node.directives.contains { if case .keyOrder(new) = $0 { true } else { false } }
        #expect(obeyed == isNew)
    }

    @Test("make the same digest in whatever order they come", arguments: 1...20 as ClosedRange<UInt64>)
    func digest(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let orders = (0..<40).map { _ in
            order(
                .random(in: 1...6, using: &random), KeyOrder.Verb.allCases.randomElement(using: &random) ?? .use,
                key: .random(in: 1...30, using: &random))
        }
        var (one, other) = (Core(), Core())
        for order in orders { one.hear(.key(order)) }
        for order in orders.shuffled(using: &random) { other.hear(.key(order)) }
        #expect(one.core.region.directoryDigest == other.core.region.directoryDigest, "seed \(seed)")
    }

    @Test("reach a member that missed the rumour, although all tables agree")
    func missed() throws {
        let others = [description(1), description(2)]
        var told = Core(others: others)
        var untold = Core(others: others)
        #expect(untold.answers(to: told.digest, in: .region) == [untold.digest])
        told.hear(.key(order(7, .use)))
        #expect(told.core.region.digest == untold.core.region.digest)
        let states = told.answers(to: untold.digest, in: .region)
        let state = try #require(states.first)
        guard case .state(_, _, _, let orders, _, _) = state else {
            Issue.record("no state but \(state)")
            return
        }
        #expect(orders == [order(7, .use)])
        _ = untold.answers(to: state, in: .region)
        #expect(untold.directives.contains { if case .keyOrder(order(7, .use)) = $0 { true } else { false } })
        #expect(untold.core.region.directoryDigest == told.core.region.directoryDigest)
    }
}

@Suite("A load report")
struct LoadReportTests {
    @Test("goes to every live router and origin of the region but the edge itself, and to nobody else")
    func receivers() {
        var router = description(1)
        router.roles = [.router]
        var dead = description(2)
        dead.roles = [.router]
        var both = description(3)
        both.roles = [.router, .edge]
        var origin = description(5)
        origin.roles = [.origin]
        var own = description(0)
        own.roles = [.router, .edge]
        var node = Core(own, others: [router, dead, both, origin, description(4)])
        node.hear(.left(dead.id, incarnation: 100))
        node.directives = []
        let report = LoadReport(node: own.id, sequence: 1, egress: 2, processor: 3, viewers: 4, streams: [])
        node.core.report(report, now: node.now, into: &node.directives)
        let sent = node.directives.compactMap { directive -> Endpoint? in
            guard case .send(let datagram, .region, let to) = directive, datagram.message == .load(report) else {
                return nil
            }
            return to
        }
        #expect(Set(sent) == [router.gossip, both.gossip, origin.gossip])
        #expect(sent.count == 3)
    }

    @Test("is handed on by the router that it comes to")
    func arrives() {
        var node = Core()
        let report = LoadReport(node: name(1), sequence: 1, egress: 2, processor: 3, viewers: 4, streams: [])
        node.core.receive(
            GossipDatagram(sender: name(1), message: .load(report)), from: endpoint(1), pool: .region, now: .zero,
            into: &node.directives)
        #expect(node.directives.contains { if case .load(report) = $0 { true } else { false } })
    }
}

@Suite("The word that the store answers")
struct StoreAnsweredTests {
    @Test("goes to every other live origin of the region")
    func receivers() {
        var origin = description(1)
        origin.roles = [.origin, .edge]
        var dead = description(2)
        dead.roles = [.origin]
        var edge = description(3)
        edge.roles = [.edge, .router]
        var own = description(0)
        own.roles = [.origin]
        var node = Core(own, others: [origin, dead, edge])
        node.hear(.left(dead.id, incarnation: 100))
        node.directives = []
        node.core.storeAnswered(now: node.now, into: &node.directives)
        let sent = node.directives.compactMap { directive -> Endpoint? in
            guard case .send(let datagram, .region, let to) = directive, datagram.message == .storeAnswered else {
                return nil
            }
            return to
        }
        #expect(sent == [origin.gossip])
    }

    @Test("is handed on with who says it")
    func arrives() {
        var node = Core()
        node.core.receive(
            GossipDatagram(sender: name(1), message: .storeAnswered), from: endpoint(1), pool: .region, now: .zero,
            into: &node.directives)
        #expect(node.directives.contains { if case .storeAnswered(name(1)) = $0 { true } else { false } })
    }
}

@Suite("The pool between regions")
struct WorldPoolTests {
    @Test("is told who its ambassadors are by a node that is none")
    func referral() throws {
        let able = (1...4).map { number in
            var other = description(number)
            other.roles = [.origin]
            return other
        }
        var node = Core(others: able)
        node.live(for: .seconds(1))
        #expect(!node.core.isAmbassador)
        let answers = node.answers(to: .digest(members: 1, directory: 2, isJoin: true), in: .world)
        let answer = try #require(answers.first)
        guard case .state(let members, let streams, let regions, let keys, let steering, isAnswer: true) = answer else {
            Issue.record("no referral but \(answer)")
            return
        }
        #expect(members.map(\.id) == node.core.ambassadors)
        #expect(members.count == 3)
        #expect(streams.isEmpty && regions.isEmpty && keys.isEmpty && steering.isEmpty)
        #expect(node.directives.contains { if case .close(.accepted(1), .world) = $0 { true } else { false } })
    }

    @Test(
        "has a stream ended by the first ambassador once its gateway is long gone and no other took its term",
        arguments: [true, false])
    func orphans(isFirst: Bool) throws {
        var own = description(0)
        own.roles = [.origin]
        // The names are such that node 0 speaks for the region, or node 4 does.
        let rival = try #require((1...40).first { speaks(description($0, .origin), before: own) != isFirst })
        var node = Core(own, others: [description(rival, .origin), description(50), description(51)])
        node.core.publish(
            StreamEntry(
                stream: try StreamID(parsing: "live/s"), term: Term(number: 1, salt: 1), gateway: name(50),
                standby: name(51), region: .local, state: .absent, publisher: 0),
            now: node.now, into: &node.directives)
        node.live(for: .seconds(3))
        #expect(node.core.ambassadors.first == (isFirst ? own.id : name(rival)))
        node.hear(.left(name(50), incarnation: 100))
        node.live(for: .seconds(58))
        #expect(node.core.directory.entries.values.map(\.state) == [.absent])
        node.live(for: .seconds(6))
        #expect(node.core.directory.entries.values.map(\.state) == [isFirst ? .ended : .absent])
    }

    private func description(_ number: Int, _ roles: NodeRoles = .edge) -> NodeDescription {
        NodeDescription(id: name(number), roles: roles, gossip: endpoint(number))
    }

    private func speaks(_ one: NodeDescription, before other: NodeDescription) -> Bool {
        let members = [one, other].map { Member(description: $0, incarnation: 1, health: .alive) }
        return members.ambassadors(of: .local).first == one.id
    }
}

private func order(_ time: UInt64, _ verb: KeyOrder.Verb, key: UInt32 = 9) -> KeyOrder {
    KeyOrder(
        time: time, key: key, verb: verb,
        secret: verb == .remove ? [] : [UInt8](repeating: UInt8(truncatingIfNeeded: key), count: 32))
}
