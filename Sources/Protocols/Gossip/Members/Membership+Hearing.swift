// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Identity

/// What is made of datagrams and rumours.
extension Membership {
    /// Takes a datagram that was opened with a key of the cluster.
    public mutating func receive(
        _ datagram: GossipDatagram, from endpoint: Endpoint, now: Duration, into directives: inout [Directive]
    ) {
        guard !leaving.isDone else { return }
        for rumour in datagram.rumours { hear(rumour, now: now, into: &directives) }
        switch datagram.message {
        case .ack(let sequence, _): hearAck(sequence, into: &directives)
        case .load(let report): directives.append(.load(report))
        case .nack(let sequence): hearNack(sequence)
        case .ping(let sequence, let target):
            hearPing(sequence, target: target, from: datagram.sender, at: endpoint, into: &directives)
        case .pingRequest(let sequence, let target, let place):
            hearPingRequest(sequence, target: target, at: place, from: endpoint, now: now, into: &directives)
        case .storeAnswered: directives.append(.storeAnswered(datagram.sender))
        case nil: break
        }
    }

    mutating func hear(_ rumour: Rumour, now: Duration, into directives: inout [Directive]) {
        switch rumour {
        case .alive(let description, let incarnation):
            hearAlive(description, incarnation: incarnation, now: now, into: &directives)
        case .dead(let id, let incarnation, let accuser):
            hearGone(id, incarnation: incarnation, health: .dead, accuser: accuser, now: now, into: &directives)
        case .left(let id, let incarnation):
            hearGone(id, incarnation: incarnation, health: .left, accuser: nil, now: now, into: &directives)
        case .suspect(let id, let incarnation, let accuser):
            hearSuspect(id, incarnation: incarnation, accuser: accuser, now: now, into: &directives)
        case .key, .region, .steering, .stream: directives.append(.news(rumour))
        }
    }

    mutating func hearAlive(
        _ description: NodeDescription, incarnation: UInt64, now: Duration, into directives: inout [Directive]
    ) {
        guard incarnation < Self.implausible else { return }
        guard description.id != own.id else {
            hearOfOurselves(description, incarnation: incarnation, now: now, into: &directives)
            return
        }
        guard let place = table.place(of: description.id) else {
            let member = Member(description: description, incarnation: incarnation, health: .alive)
            let place = table.insert(member, now: now)
            round.insert(place, into: &table)
            adopt(member, before: nil, now: now, into: &directives)
            return
        }
        let before = table[place]
        guard incarnation > before.incarnation else { return }
        if before.health.isLive, before.description.gossip != description.gossip {
            contend(description, incarnation: incarnation, with: before, into: &directives)
            return
        }
        suspicions.remove(place, from: &table)
        table.update(place, now: now) { member in
            member = Member(description: description, incarnation: incarnation, health: .alive)
        }
        if !before.health.isLive {
            recentlyDead.removeAll { $0 == place }
            round.insert(place, into: &table)
        }
        adopt(table[place], before: before, now: now, into: &directives)
    }

    mutating func hearSuspect(
        _ id: NodeID, incarnation: UInt64, accuser: NodeID, now: Duration, into directives: inout [Directive]
    ) {
        guard incarnation < Self.implausible else { return }
        guard id != own.id else {
            refute(incarnation, accuser: accuser, now: now, into: &directives)
            return
        }
        guard let place = table.place(of: id) else { return }
        let before = table[place]
        guard incarnation >= before.incarnation else { return }
        if incarnation == before.incarnation, before.health != .alive {
            guard before.health == .suspect, suspicions.confirm(place, by: accuser, in: table, now: now) else { return }
            spread(.suspect(id, incarnation: incarnation, accuser: accuser), now: now)
            return
        }
        guard before.health.isLive else { return }
        suspicions.remove(place, from: &table)
        table.update(place, now: now) { member in
            member.health = .suspect
            member.incarnation = incarnation
        }
        suspicions.insert(
            Suspicion(place: place, accuser: accuser, members: liveCount, settings: settings, now: now), into: &table)
        spread(.suspect(id, incarnation: incarnation, accuser: accuser), now: now)
        directives.append(.changed(table[place], before: before))
    }

    /// Hears of a death or a leave.
    mutating func hearGone(
        _ id: NodeID, incarnation: UInt64, health: MemberHealth, accuser: NodeID?, now: Duration,
        into directives: inout [Directive]
    ) {
        guard incarnation < Self.implausible else { return }
        guard id != own.id else {
            refute(incarnation, accuser: accuser, now: now, into: &directives)
            return
        }
        guard let place = table.place(of: id) else { return }
        let before = table[place]
        guard (incarnation, health.rawValue) > (before.incarnation, before.health.rawValue) else { return }
        if let accuser, accuser != own.id, before.health == .alive || suspicions.isYoung(place, in: table, now: now) {
            hearSuspect(id, incarnation: incarnation, accuser: accuser, now: now, into: &directives)
            return
        }
        bury(place, incarnation: incarnation, health: health, now: now)
        let rumour: Rumour =
            if let accuser { .dead(id, incarnation: incarnation, accuser: accuser) } else {
                .left(id, incarnation: incarnation)
            }
        spread(rumour, now: now)
        directives.append(.changed(table[place], before: before))
        admitContender(id, now: now, into: &directives)
    }

    private mutating func bury(_ place: Int, incarnation: UInt64, health: MemberHealth, now: Duration) {
        if table.gone.isEmpty { nextRecall = now + recallPhase }
        suspicions.remove(place, from: &table)
        recentlyDead.removeAll { $0 == place }
        if health == .dead { recentlyDead.append(place) }
        table.update(place, now: now) { member in
            member.health = health
            member.incarnation = incarnation
        }
        membersChanged()
        if table.live.isEmpty { seeking.hurry(now: now, settings: settings) }
    }

    mutating func judgeSuspects(now: Duration, into directives: inout [Directive]) {
        for place in suspicions.checks(now: now) where settings.pingsByStream {
            openComparison(with: table[place].description.gossip, into: &directives)
        }
        for place in suspicions.expired(now: now) {
            let suspect = table[place]
            hearGone(
                suspect.id, incarnation: suspect.incarnation, health: .dead, accuser: own.id, now: now,
                into: &directives)
        }
    }

    /// Somebody believes that this node is not what it is: it takes an incarnation above the accused one.
    mutating func refute(
        _ accused: UInt64, accuser: NodeID?, now: Duration, into directives: inout [Directive]
    ) {
        guard accused >= own.incarnation, case .no = leaving else { return }
        let before = own
        own.incarnation = max(own.incarnation, accused) + 1
        localHealth.change(by: 1)
        spread(.alive(own.description, incarnation: own.incarnation), now: now)
        settleAgain(now: now, rest: settings.recallInterval)
        directives.append(.changed(own, before: before))
        directives.append(.report(.refuted(accuser: accuser)))
    }

    private mutating func adopt(
        _ member: Member, before: Member?, now: Duration, into directives: inout [Directive]
    ) {
        membersChanged()
        if tellsOn { spread(.alive(member.description, incarnation: member.incarnation), now: now) }
        directives.append(.changed(member, before: before))
        if table.live.count == 1, before?.health.isLive != true {
            settleSoon(now: now)
        } else if before?.health == .suspect || before?.health == .dead {
            settleAgain(now: now, rest: settings.exchangeInterval(members: liveCount))
        }
    }

    private mutating func membersChanged() {
        transmitLimit = GossipSettings.transmitLimit(members: liveCount)
    }

    /// Incarnations are Unix milliseconds shifted left by 8: no clock gives these, and they leave no room to refute.
    static let implausible: UInt64 = 1 << 62
}
