// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Identity

/// Looking whether members live: SWIM §3.1 with Lifeguard's nacks, local health and buddy rule, and memberlist's ping
/// over a stream.
extension Membership {
    /// A send call gave an error. That is a failed ping: whoever has no route to a member must not wait for its answer.
    public mutating func sendFailed(
        to endpoint: Endpoint, now: Duration, using random: inout some RandomNumberGenerator,
        into directives: inout [Directive]
    ) {
        guard let current = probe, current.stage == .direct,
            table[current.place].description.gossip == endpoint
        else { return }
        askOthers(now: now, using: &random, into: &directives)
    }

    mutating func continueProbing(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        if let current = probe {
            if current.stage == .direct {
                askOthers(now: now, using: &random, into: &directives)
                return
            }
            fail(current, now: now, into: &directives)
        }
        if now >= nextProbe { probeNext(now: now, using: &random, into: &directives) }
    }

    private mutating func probeNext(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        nextProbe = now + localHealth.stretched(settings.probeInterval)
        guard let place = round.next(of: &table, using: &random) else { return }
        let target = table[place]
        sequence &+= 1
        probe = Probe(
            sequence: sequence, place: place, incarnation: target.incarnation, end: nextProbe,
            deadline: min(now + settings.probeTimeout, nextProbe))
        send(
            .ping(sequence: sequence, target: target.id), to: target.description.gossip,
            telling: accusation(of: target), into: &directives)
    }

    /// The second stage: k others, and a stream.
    private mutating func askOthers(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        guard var current = probe else { return }
        let target = table[current.place]
        let helpers = pick(settings.indirectProbes, but: current.place, using: &random)
        for helper in helpers {
            send(
                .pingRequest(sequence: current.sequence, target: target.id, at: target.description.gossip),
                to: table[helper].description.gossip, into: &directives)
        }
        if settings.pingsByStream {
            open(
                target.description.gossip,
                .ping(sequence: current.sequence, target: target.id), into: &directives)
        }
        current.stage = .indirect
        current.deadline = max(current.end, now + settings.probeTimeout)
        nextProbe = max(nextProbe, current.deadline)
        current.asked = helpers.count
        probe = current
    }

    private mutating func fail(_ failed: Probe, now: Duration, into directives: inout [Directive]) {
        probe = nil
        localHealth.change(by: failed.penalty)
        let target = table[failed.place]
        guard target.health.isLive, target.incarnation == failed.incarnation else { return }
        hearSuspect(target.id, incarnation: target.incarnation, accuser: own.id, now: now, into: &directives)
    }

    /// An answer to `sequence`, ours or one that we relay.
    mutating func hearAck(_ acknowledged: UInt32, into directives: inout [Directive]) {
        if let relay = relays.take(acknowledged) {
            send(.ack(sequence: relay.asked, localHealth: reportedHealth), to: relay.asker, into: &directives)
        }
        guard let current = probe, current.sequence == acknowledged else { return }
        probe = nil
        localHealth.change(by: -1)
    }

    mutating func hearNack(_ sequence: UInt32) {
        guard let current = probe, current.sequence == sequence, current.nacks < current.asked else { return }
        probe?.nacks += 1
    }

    mutating func hearPing(
        _ sequence: UInt32, target: NodeID, from sender: NodeID, at endpoint: Endpoint,
        into directives: inout [Directive]
    ) {
        guard target == own.id else { return }
        let member = table.place(of: sender).map { table[$0] }
        send(
            .ack(sequence: sequence, localHealth: reportedHealth), to: endpoint,
            telling: member.flatMap(accusation), into: &directives)
    }

    mutating func hearPingRequest(
        _ asked: UInt32, target: NodeID, at endpoint: Endpoint, from asker: Endpoint, now: Duration,
        into directives: inout [Directive]
    ) {
        guard target != own.id else { return }
        sequence &+= 1
        relays.insert(
            sequence: sequence, asked: asked, asker: asker, nackAt: now + settings.probeTimeout * 4 / 5,
            end: now + settings.probeInterval)
        let member = table.place(of: target).map { table[$0] }
        send(
            .ping(sequence: sequence, target: target), to: endpoint, telling: member.flatMap(accusation),
            into: &directives)
    }

    mutating func nackLateProbes(now: Duration, into directives: inout [Directive]) {
        for late in relays.late(now: now) { send(.nack(sequence: late.asked), to: late.asker, into: &directives) }
    }

    /// What is believed of a member and should be the first thing it hears, so that it can refute (Lifeguard's buddy).
    func accusation(of member: Member) -> Rumour? {
        switch member.health {
        case .alive: nil
        case .suspect: .suspect(member.id, incarnation: member.incarnation, accuser: own.id)
        case .dead: .dead(member.id, incarnation: member.incarnation, accuser: own.id)
        case .left: .left(member.id, incarnation: member.incarnation)
        }
    }

    var reportedHealth: UInt8 { UInt8(clamping: localHealth.score) }
}
