// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import TestKit
import Testing

/// A node's name, for tests.
func name(_ number: Int) -> NodeID {
    guard let id = NodeID(parsing: "n\(number)") else { preconditionFailure("no name \(number)") }
    return id
}

func endpoint(_ number: Int) -> Endpoint { Endpoint(address: .v4(0x0A00_0000 + UInt32(number)), port: 7946) }

func description(_ number: Int, at address: Int? = nil) -> NodeDescription {
    NodeDescription(id: name(number), roles: .edge, gossip: endpoint(address ?? number))
}

/// One pool under test, node 0, with others whose words the test says.
struct Pool {
    var membership: Membership
    var random = SeededRandom(seed: 1)
    var now: Duration = .zero
    var directives: [Membership.Directive] = []

    /// Node 0 among others of the numbers 1 to `others`, each alive in incarnation 100.
    init(others: Int = 0, settings: GossipSettings = .edge, incarnation: UInt64 = 1000) {
        membership = Membership(
            description: description(0), incarnation: incarnation, settings: settings, now: .zero)
        for number in 1..<(others + 1) { hear(.alive(description(number), incarnation: 100)) }
        directives = []
    }

    /// Hears a rumour from node 1.
    mutating func hear(_ rumours: Rumour...) {
        membership.receive(
            GossipDatagram(sender: name(1), rumours: rumours), from: endpoint(1), now: now, into: &directives)
    }

    /// Hears a message from a node.
    mutating func hear(_ message: GossipMessage, from number: Int = 1) {
        membership.receive(
            GossipDatagram(sender: name(number), message: message), from: endpoint(number), now: now,
            into: &directives)
    }

    /// Hears a message on a stream.
    mutating func hear(_ message: GossipStreamMessage, on stream: GossipStream) {
        membership.receive(message, on: stream, now: now, into: &directives)
    }

    /// Lets time pass, with a tick whenever one is due.
    mutating func pass(_ duration: Duration) {
        let end = now + duration
        while membership.nextDeadline <= end {
            now = max(now, membership.nextDeadline)
            membership.tick(now: now, using: &random, into: &directives)
        }
        now = end
    }

    /// Lets time pass until something is to be done that the closure makes something of.
    mutating func pass<Found>(until found: (Membership.Directive) -> Found?, within limit: Duration) -> Found? {
        let end = now + limit
        while membership.nextDeadline <= end {
            now = max(now, membership.nextDeadline)
            directives = []
            membership.tick(now: now, using: &random, into: &directives)
            for directive in directives { if let result = found(directive) { return result } }
        }
        return nil
    }

    /// Lets time pass while every ping is answered; whether the condition came true.
    mutating func live(for duration: Duration, until condition: (Pool) -> Bool = { _ in false }) -> Bool {
        let end = now + duration
        while membership.nextDeadline <= end {
            directives = []
            now = max(now, membership.nextDeadline)
            membership.tick(now: now, using: &random, into: &directives)
            for case .send(let datagram, _) in directives {
                if case .ping(let sequence, _) = datagram.message { hear(.ack(sequence: sequence, localHealth: 0)) }
            }
            if condition(self) { return true }
        }
        return false
    }

    /// The next ping, within a second.
    mutating func nextPing() throws -> (sequence: UInt32, to: Endpoint, rumours: [Rumour]) {
        let found = pass(until: ping, within: .seconds(1))
        return try #require(found)
    }

    func health(_ number: Int) -> MemberHealth? { membership.member(name(number))?.health }

    /// What was sent since the directives were last emptied.
    var sent: [(datagram: GossipDatagram, to: Endpoint)] {
        directives.compactMap { directive in
            if case .send(let datagram, let endpoint) = directive { (datagram, endpoint) } else { nil }
        }
    }

    var messages: [GossipMessage] { sent.compactMap(\.datagram.message) }

    var written: [GossipStreamMessage] {
        directives.compactMap { if case .write(let message, _) = $0 { message } else { nil } }
    }

    var reports: [GossipReport] {
        directives.compactMap { if case .report(let report) = $0 { report } else { nil } }
    }
}

/// A ping and whom it went to.
func ping(_ directive: Membership.Directive) -> (sequence: UInt32, to: Endpoint, rumours: [Rumour])? {
    guard case .send(let datagram, let endpoint) = directive, case .ping(let sequence, _) = datagram.message else {
        return nil
    }
    return (sequence, endpoint, datagram.rumours)
}
