// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Identity

extension Membership {
    /// Does what is due. Calling it too early does nothing.
    public mutating func tick(
        now: Duration, using random: inout some RandomNumberGenerator, into directives: inout [Directive]
    ) {
        noticePause(now: now, into: &directives)
        switch leaving {
        case .done: return
        case .until(let end) where now >= end || !queue.holds(own.id):
            leaving = .done
            directives.append(.hasLeft)
            return
        case .no, .until: break
        }
        if now >= probe?.deadline ?? nextProbe { continueProbing(now: now, using: &random, into: &directives) }
        if now >= relays.deadline { nackLateProbes(now: now, into: &directives) }
        if now >= suspicions.deadline { judgeSuspects(now: now, into: &directives) }
        if now >= nextGossip { gossip(now: now, using: &random, into: &directives) }
        if now >= nextExchange { compareStates(now: now, using: &random, into: &directives) }
        if now >= recallDeadline { recallOneOfTheDead(now: now, using: &random, into: &directives) }
        if now >= nextForget { forgetTheLongGone(now: now) }
        if now >= seeking.next { seek(now: now, using: &random, into: &directives) }
    }

    /// Changes what this node says of itself, in a new incarnation.
    public mutating func set(_ description: NodeDescription, now: Duration, into directives: inout [Directive]) {
        precondition(description.id == own.id, "\(own.id) can not become \(description.id)")
        guard description != own.description, case .no = leaving else { return }
        let before = own
        own.description = description
        own.incarnation += 1
        spread(.alive(description, incarnation: own.incarnation), now: now)
        directives.append(.changed(own, before: before))
    }

    /// Says good-bye: `.hasLeft` follows when it was told often enough, at the latest after `leaveTime`.
    public mutating func leave(now: Duration, into directives: inout [Directive]) {
        guard case .no = leaving else { return }
        let before = own
        own.health = .left
        directives.append(.changed(own, before: before))
        leaving = .until(table.live.isEmpty ? now : now + settings.leaveTime)
        queue.insert(.left(own.id, incarnation: own.incarnation))
        nextGossip = now
    }

    /// A node that finds all its timers late by more than a probe interval was stopped: frozen, swapped out, starved. Its
    /// timers say nothing of others, for what they sent waits unread. Found late once, it also takes itself for slower.
    private mutating func noticePause(now: Duration, into directives: inout [Directive]) {
        let pause = now - nextDeadline
        guard pause > settings.probeInterval else { return }
        localHealth.change(by: 1)
        suspicions.postpone(by: pause)
        relays.forgetAll()
        probe = nil
        nextProbe = max(nextProbe, now) + settings.probeTimeout
        settleAgain(now: now, rest: settings.recallInterval)
        directives.append(.report(.paused(pause)))
    }

    private mutating func forgetTheLongGone(now: Duration) {
        nextForget = now + Self.forgetInterval
        for id in table.forget(after: settings.tombstone, limit: max(1024, 2 * liveCount), now: now) {
            contenders[id] = nil
        }
    }
}

extension Membership {
    /// Whether this node is on its way out.
    enum Leaving: Sendable {
        /// It stays.
        case no
        /// It tells everybody until then. Exits: `done`.
        case until(Duration)
        /// It is out, and does nothing any more.
        case done

        var deadline: Duration {
            if case .until(let end) = self { end } else { .never }
        }

        var isDone: Bool {
            if case .done = self { true } else { false }
        }
    }
}
