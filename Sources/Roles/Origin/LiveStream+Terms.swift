// SPDX-License-Identifier: Apache-2.0

public import Feed
public import Identity
import Media
import NIOCore
import Replica
import Synchronization
import Transport

/// The term begins, is doubted, and is somebody else's.
extension LiveStream {
    /// The term is taken: goes on from what the replica holds, and with what has waited.
    /// - Parameters:
    ///   - packaging: the version of the byte writer for all of the term.
    ///   - listed: the highest number that anybody listed; those that nobody holds become gaps.
    /// - Returns: false where the stream is over, or a higher term was promised to somebody else meanwhile.
    @discardableResult
    public func begin(_ term: Term, packaging: UInt8, listed: MediaSequenceNumber?) -> Bool {
        let hasBegun = state.withLock { state -> Bool in
            if case .yielded = state.presence { return false }
            guard !state.hasTerm else { return false }
            let beginning = MediaSequenceNumber(SystemClock.wall().milliseconds.magnitude / 1000)
            let first = max(beginning, ([listed, last].compactMap { $0 }.max() ?? 0) &+ 1)
            guard let summary = replica.succeed(in: term, firstSegment: first) else { return false }
            state.term = term
            state.hasTerm = true
            state.packaging = packaging
            var cuts = settings.sequencer
            cuts.packaging = packaging
            state.sequencer = Sequencer(settings: cuts, term: term, continuing: summary)
            state.sequencer.cdnBase = state.cdnBase
            state.commits = CommitTracker(term: term)
            state.watch = HolderWatch()
            state.fold = LayerFold()
            state.layersLost = 0
            replica.asks { [weak self] in self?.requestRandomAccess() }
            if let listed { state.sequencer.skip(through: listed, into: &state.records) }
            flush(&state)
            if case .absent = state.presence { submit(.left, &state) }
            open(for: .term, &state)
            return true
        }
        if hasBegun {
            calls.change(self)
            tellEnd()
        }
        return hasBegun
    }

    /// Somebody else has the stream: nothing more is written here, and the publisher is cut. What it sent is in a part that
    /// has ended, so that whoever goes on has it. Returns when no record of this term will follow.
    public func yield(_ reason: CutReason = .superseded) {
        let (isNews, publisher) = state.withLock { state -> (Bool, (any Publisher)?) in
            var publisher: (any Publisher)?
            switch state.presence {
            case .yielded: return (false, nil)
            case .ended: if state.gate.isOpen { return (false, nil) }
            case .absent: break
            case .publishing(_, let live):
                publisher = live
                if state.hasTerm { submit(.left, &state) }
                publishers.leave()
            }
            state.presence = .yielded
            return (true, publisher)
        }
        publisher?.cut(reason)
        if isNews { calls.over(self) }
    }

    /// Writes nothing from now on, until every reason has gone. What is committed stays served.
    /// - Returns: whether the reason is new.
    @discardableResult
    public func fence(_ reason: FenceReasons) -> Bool {
        state.withLock { state in
            defer { state.gate.close(for: reason) }
            return !state.gate.reasons.contains(reason)
        }
    }

    /// A reason has gone; goes on with what has waited where it was the last.
    /// - Parameter stalls: where the reason has gone because others answered, ``GatewayPulse/stalls`` from before they were
    ///   asked. An answer may have waited in a socket while the process stood still, and another took the stream.
    /// - Returns: false where the process stood still since: it is as it was, and others are to be asked again.
    @discardableResult
    public func unfence(_ reason: FenceReasons, confirmedAfter stalls: UInt64? = nil) -> Bool {
        let (isGone, isNews) = state.withLock { state -> (Bool, Bool) in
            if let stalls, let pulse, !pulse.hasRun(since: stalls, at: SystemClock.now()) { return (false, false) }
            guard !state.gate.isOpen else { return (true, false) }
            open(for: reason, &state)
            return (true, true)
        }
        if isNews { tellEnd() }
        return isGone
    }

    /// Closes the gate where the process stood still: another may have the stream. Who keeps the pulse will find out.
    /// - Returns: whether it did.
    @discardableResult
    func closeIfLate(_ state: inout State) -> Bool {
        guard pulse?.isLate(at: SystemClock.now()) ?? false else { return false }
        state.gate.close(for: .clock)
        return true
    }

    /// Why it writes nothing now; empty where it does.
    public var fences: FenceReasons { state.withLock { $0.gate.reasons } }

    /// Whether another node has the stream: there is nothing to tell of it any more.
    public var isYielded: Bool { state.withLock { if case .yielded = $0.presence { true } else { false } } }

    private func open(for reason: FenceReasons, _ state: inout State) {
        guard !state.gate.isOpen else { return }
        // Whatever opens it is older than a pause that no beat has noticed yet.
        let gone = closeIfLate(&state) ? reason.subtracting(.clock) : reason
        for arrival in state.gate.open(for: gone) { perform(arrival, &state) }
        list(&state)
        arm(&state)
    }
}

// MARK: - Holders

extension LiveStream {
    /// The standby has more of the feed. Whoever waits for its parts to be listed is woken. One that was given up and goes
    /// on is waited for again: its subscription has never been torn.
    public func holder(_ holder: NodeID, holds position: FeedPosition) {
        state.withLock { state in
            guard position.term == state.term else { return }
            guard state.commits.waits(for: holder) else { return join(holder, at: position, &state) }
            let next = position.number &+ 1
            state.watch.acknowledged(before: next, of: state.nextNumber, by: holder, now: SystemClock.now())
            if state.commits.acknowledge(position, by: holder) { list(&state) }
        }
    }

    /// A standby has the whole window, up to and with the record at `position`, and is waited for from there on.
    public func holder(_ holder: NodeID, joinsAt position: FeedPosition) {
        state.withLock { state in
            if position.term == state.term { join(holder, at: position, &state) }
        }
    }

    private func join(_ holder: NodeID, at position: FeedPosition, _ state: inout State) {
        let next = position.number &+ 1
        state.commits.add(holder, countingFrom: next)
        state.watch.add(holder, holdingBefore: next, end: state.nextNumber, now: SystemClock.now())
    }

    /// The standby is lost: nobody waits for it any more.
    public func lost(_ holder: NodeID) { state.withLock { forget([holder], &$0) } }

    /// The holders of which nothing is heard though they owe acknowledgements: it is to be found out whether they live. Call
    /// ten times a second.
    public var questionableHolders: Set<NodeID> {
        state.withLock { state in
            guard state.hasTerm, state.gate.isOpen, state.commits.hasHolders else { return [] }
            return state.watch.questionable(now: SystemClock.now())
        }
    }

    /// Whether all are to be asked why the stream's standby does not join, if it has one.
    public func misses(_ standby: NodeID?) -> Bool {
        state.withLock { state in
            guard state.hasTerm, state.gate.isOpen else { return false }
            return state.watch.isMissing(standby, now: SystemClock.now())
        }
    }

    /// Waits no longer for holders that were asked at `asked` and have given no sign of life since, or that only answer.
    /// - Parameter answered: who has answered.
    /// - Returns: who is waited for no longer.
    public func giveUpHolders(askedAt asked: Duration, answered: Set<NodeID>) -> Set<NodeID> {
        state.withLock { state in
            let now = SystemClock.now()
            for holder in answered { state.watch.answered(holder, now: now) }
            let lost = state.watch.lost(askedAt: asked, now: now)
            forget(lost, &state)
            return lost
        }
    }

    /// What waited for these alone is listed.
    private func forget(_ holders: Set<NodeID>, _ state: inout State) {
        var hasMoved = false
        for holder in holders {
            state.watch.remove(holder)
            if state.commits.remove(holder) { hasMoved = true }
        }
        if hasMoved { list(&state) }
    }

    /// What is committed is listed, but by who has been replaced, or may have been.
    private func list(_ state: inout State) {
        if case .yielded = state.presence { return }
        closeIfLate(&state)
        guard state.gate.isOpen else { return }
        if let committed = state.commits.committed { replica.commit(upTo: committed) }
    }
}
