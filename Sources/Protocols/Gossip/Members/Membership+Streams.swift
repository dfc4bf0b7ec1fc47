// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// Conversations over streams: the comparison of states (digest first, because a whole table of 1000 members is some
/// 100 KB), joining, and pings for those whom datagrams do not reach.
extension Membership {
    /// Takes a message that came on a stream.
    public mutating func receive(
        _ message: GossipStreamMessage, on stream: GossipStream, now: Duration, into directives: inout [Directive]
    ) {
        guard !leaving.isDone else {
            directives.append(.close(stream))
            return
        }
        switch message {
        case .ack(let sequence):
            hearAck(sequence, into: &directives)
            directives.append(.close(stream))
        case .digest(let members, let directory, _):
            hearDigest(members, directory, on: stream, into: &directives)
        case .ping(let sequence, let target):
            if target == own.id { directives.append(.write(.ack(sequence: sequence), on: stream)) }
            directives.append(.close(stream))
        case .refusal(let text):
            directives.append(.report(.refused(text)))
            directives.append(.close(stream))
        case .state(let members, _, _, _, _, let isAnswer):
            hearState(members, isAnswer: isAnswer, on: stream, now: now, into: &directives)
        }
    }

    /// Compares states with a member at random.
    mutating func compareStates(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        guard let place = table.live.randomElement(using: &random) else {
            nextExchange = .never
            return
        }
        let usual = settings.exchangeInterval(members: liveCount)
        let interval = min(settledExchange, usual)
        settledExchange = min(interval * 2, usual)
        nextExchange = now + interval * Double.random(in: 0.75..<1.25, using: &random)
        openComparison(with: table[place].description.gossip, into: &directives)
    }

    /// Compares states with one of the dead, in case it lives on the other side of a healed cut.
    mutating func recallOneOfTheDead(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        nextRecall = now + settings.recallInterval
        let start = Int.random(in: 0..<max(1, table.gone.count), using: &random)
        let rotated = table.gone[start...] + table.gone[..<start]
        guard let place = rotated.first(where: { table[$0].health == .dead }) else { return }
        openComparison(with: table[place].description.gossip, into: &directives)
    }

    mutating func openComparison(with endpoint: Endpoint, into directives: inout [Directive]) {
        let digest = GossipStreamMessage.digest(
            members: digest, directory: directoryDigest, isJoin: table.live.isEmpty)
        open(endpoint, digest, into: &directives)
    }

    mutating func open(
        _ endpoint: Endpoint, _ message: GossipStreamMessage, into directives: inout [Directive]
    ) {
        openedStreams &+= 1
        directives.append(.open(.opened(openedStreams), to: endpoint, message))
    }

    /// Comparing begins anew at short intervals, because this node has just joined.
    mutating func settleSoon(now: Duration) {
        lastSettling = now
        settledExchange = Self.firstExchange
        nextExchange = now + Self.firstExchange
    }

    /// The same, because what this node knows may be old: rumours are not told again to who missed them.
    ///
    /// The intervals of a series double, so that it has at most 5 comparisons in 5 s and 7 in 15 s. Whoever flaps, and
    /// however often, costs a node no more of them than that in a `rest`.
    /// - Parameter rest: how long after the begin of a series no other one begins.
    mutating func settleAgain(now: Duration, rest: Duration) {
        guard !table.live.isEmpty, lastSettling.map({ $0 + rest <= now }) ?? true else { return }
        settleSoon(now: now)
    }

    var recallDeadline: Duration { table.gone.isEmpty ? .never : nextRecall }

    /// When in the interval this node recalls the dead: not all members at the same moment.
    var recallPhase: Duration {
        settings.recallInterval * Int(own.id.number & 0xFF) / 256
    }

    private mutating func hearDigest(
        _ members: UInt64, _ directory: UInt64, on stream: GossipStream, into directives: inout [Directive]
    ) {
        if members == digest, directory == directoryDigest {
            if case .accepted = stream {
                let same = GossipStreamMessage.digest(members: members, directory: directory, isJoin: false)
                directives.append(.write(same, on: stream))
            }
            directives.append(.close(stream))
        } else if case .accepted = stream {
            directives.append(.writeState(isAnswer: false, on: stream))
        } else {
            // An answer to our digest that is not ours: states changed meanwhile, and will be compared again.
            directives.append(.close(stream))
        }
    }

    private mutating func hearState(
        _ members: [Member], isAnswer: Bool, on stream: GossipStream, now: Duration, into directives: inout [Directive]
    ) {
        if let owner = ownerOfOurName(in: members) {
            directives.append(.report(.nameTaken(by: owner)))
            directives.append(.close(stream))
            return
        }
        if let taken = newcomerWithATakenName(in: members) {
            directives.append(.write(.refusal("the name \(taken) belongs to a member that lives"), on: stream))
            directives.append(.close(stream))
            return
        }
        // Whoever joins learns what all others know: to tell it on would be a flood.
        tellsOn = !table.live.isEmpty
        for member in members { merge(member, now: now, into: &directives) }
        tellsOn = true
        if !isAnswer, case .opened = stream { directives.append(.writeState(isAnswer: true, on: stream)) }
        directives.append(.close(stream))
    }

    /// What another believes of a member. The death of one that we believe alive is taken as a suspicion, so that it can
    /// refute: after a cut each half holds the other for dead.
    private mutating func merge(_ member: Member, now: Duration, into directives: inout [Directive]) {
        switch member.health {
        case .alive: hearAlive(member.description, incarnation: member.incarnation, now: now, into: &directives)
        case .suspect, .dead:
            if member.health == .suspect, table.place(of: member.id) == nil, member.id != own.id {
                hearAlive(member.description, incarnation: member.incarnation, now: now, into: &directives)
            }
            hearSuspect(
                member.id, incarnation: member.incarnation, accuser: own.id, now: now, into: &directives)
        case .left:
            hearGone(
                member.id, incarnation: member.incarnation, health: .left, accuser: nil, now: now, into: &directives)
        }
    }

    /// The time of the first comparison after joining.
    private static let firstExchange: Duration = .milliseconds(250)
}
