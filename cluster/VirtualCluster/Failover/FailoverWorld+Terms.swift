// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import Media
import Placement
import Relay

/// Terms are asked about, taken, doubted and lost.
extension FailoverWorld {
    /// The highest term that a node knows.
    func known(_ node: FailoverNode) -> Term? {
        [node.entry?.term, node.promised, node.gateway?.term, node.feed?.next.term].compactMap { $0 }.max()
    }

    /// A node begins to take a term.
    func take(_ node: FailoverNode, for publisher: Int?) {
        unsubscribe(node)
        let peers = node.snapshot.termPeers(for: Self.stream).map(\.node)
        let last = node.feed?.commit?.part.msn
        if node.feed.map({ $0.window.endReason != nil }) ?? false { node.feed = nil }
        let isHolder = [node.entry?.gateway, node.entry?.standby].contains(node.id)
        let session = TermSession(
            Self.stream, for: publisher == nil ? .ending : .publishing, asking: peers,
            essential: node.snapshot.livingHolders(of: Self.stream),
            isHolder: isHolder && node.feed?.next.term == node.entry?.term, held: node.feed?.next,
            commit: node.feed?.commit,
            quorum: TermSession.Quorum(count: variant.quorum, voters: node.snapshot.voters), settings: settings)
        node.taking = FailoverTaking(session: session, publisher: publisher, last: last)
        begin(node, above: known(node))
    }

    private func begin(_ node: FailoverNode, above term: Term?) {
        obey(
            node.taking?.session.begin(
                above: term, unixTime: wall(of: node).milliseconds.magnitude, using: &random) ?? [], node)
    }

    /// Does what is due while a node takes a term, or doubts its own.
    func rule(_ node: FailoverNode) {
        if node.taking != nil {
            node.taking?.session.essential = node.snapshot.livingHolders(of: Self.stream)
            if let until = node.taking?.hangsUntil, now >= until { copyFailed(node) }
            obeyCopy(node.taking?.copy?.tick(now: now) ?? [], node)
            obey(node.taking?.session.tick(now: now) ?? [], node)
        }
        keepFences(node)
        watchHolders(node)
    }

    private func obey(_ directives: [TermSession.Directive], _ node: FailoverNode) {
        for directive in directives {
            guard node.taking?.isYielded == false else { return giveUp(node) }
            switch directive {
            case .again(let term): begin(node, above: term)
            case .ask(let term):
                stopCopy(node)
                _ = node.promise(term, now: now)
                for peer in node.snapshot.termPeers(for: Self.stream) { ask(term, number(of: peer.node), node) }
            case .begin(let succession): succeed(succession, node)
            case .claim(let term): claim(term, node)
            case .fetch(let from, _): startCopy(node, from: number(of: from))
            case .yield(let failure):
                note("n\(node.number) takes no term: \(failure)")
                giveUp(node)
            }
        }
    }

    /// The arbiter has no objection.
    func claimed(_ term: Term, _ node: FailoverNode) {
        obey(node.taking?.session.claimed(term, now: now) ?? [], node)
    }

    /// The arbiter knows a higher term.
    func refused(for highest: Term, _ node: FailoverNode) {
        obey(node.taking?.session.refused(for: highest) ?? [], node)
    }

    func ask(_ term: Term, _ peer: Int, _ node: FailoverNode) {
        if nodes[peer].state == .down, talks(node.number, peer) {
            node.mailbox.insert(.refused(by: peer, life: node.life), at: now + .milliseconds(3))
        } else {
            let question = FailoverQuestion(term: term, from: node.number, life: node.life, askedAt: now)
            send(.question(question), from: node.number, to: peer)
        }
    }

    /// Refuses lower terms from now on, and says what is held.
    func answer(_ question: FailoverQuestion, _ node: FailoverNode) {
        let term = question.term
        var answer = TermAnswer(
            stream: Self.stream, term: max(known(node) ?? term, term), next: node.feed?.next, commit: node.feed?.commit)
        if answer.term == term {
            _ = node.promise(term, now: now)
            if let own = node.gateway?.term, own < term { stop(node) }
            yieldTaking(node)
            let held = node.promise(term, now: now)
            promised(term, by: node)
            answer = TermAnswer(stream: Self.stream, term: term, next: held.next, commit: held.commit)
        }
        let delay = variant.hasSlowAnswers ? Duration.milliseconds(Int.random(in: 100...300, using: &random)) : nil
        send(.answer(answer, to: question, from: node.number), from: node.number, to: question.from, after: delay)
    }

    /// Only an answer to what is asked now counts: former questions were given up. A gateway gives up what it asked before it
    /// stood still; only that somebody knew of a higher term stays true.
    func answered(_ answer: TermAnswer, to question: FailoverQuestion, _ node: FailoverNode, by from: Int) {
        guard question.life == node.life else { return }
        let id = nodes[from].id
        if node.taking?.session.term == question.term {
            obey(node.taking?.session.answered(answer, by: id, now: now) ?? [], node)
        }
        guard node.gateway?.term == question.term else { return }
        guard question.askedAt >= node.runsSince || answer.term > question.term else { return }
        heardOfClock(answer, by: id, node)
        heardOfSilence(answer, by: id, node)
        heardOfQuorum(answer, by: id, node)
    }

    func unreachable(_ peer: Int, _ node: FailoverNode, life: Int) {
        guard life == node.life, node.taking != nil else { return }
        obey(node.taking?.session.unreachable(nodes[peer].id, now: now) ?? [], node)
    }

    func copied(_ node: FailoverNode) {
        guard node.taking?.copy != nil else { return }
        obey(node.taking?.session.fetched(node.feed?.next, now: now) ?? [], node)
    }

    func copyFailed(_ node: FailoverNode) {
        guard node.taking?.copy != nil, let from = node.taking?.source else { return }
        stopCopy(node)
        obey(node.taking?.session.unreachable(nodes[from].id, now: now) ?? [], node)
    }
}

// MARK: - Beginning and ending

extension FailoverWorld {
    private func succeed(_ succession: Succession, _ node: FailoverNode) {
        guard let taking = node.taking, !taking.isYielded, node.promised.map({ $0 <= succession.term }) ?? true else {
            return giveUp(node)
        }
        stopCopy(node)
        node.taking = nil
        terms += 1
        if let publisher = taking.publisher, rivals.contains(publisher) { rivals = [] }
        let packaging = node.snapshot.packaging(writing: node.description.packaging)
        begins(succession.term, writing: packaging, at: node)
        let summary = goOn(node, succession, after: taking.last)
        goesOn(from: node.feed?.commit?.part, at: node)
        note("n\(node.number) takes \(succession.term), listed \(succession.listed ?? 0), next \(summary.nextSegment)")
        var cuts = Self.cuts
        cuts.packaging = packaging
        var gateway = FailoverGateway(
            term: succession.term,
            sequencer: Sequencer(settings: cuts, term: succession.term, continuing: summary),
            commits: CommitTracker(term: succession.term))
        gateway.publisher = taking.publisher
        gateway.packaging = packaging
        node.gateway = gateway
        var records: [FeedRecord] = []
        if let listed = succession.listed { node.gateway?.sequencer.skip(through: listed, into: &records) }
        append(records, node)
        for media in taking.waiting { sequence(media, node) }
        guard taking.publisher != nil else { return end(node) }
        if taking.hasLeft { leave(node) }
        if isCutOffFromStore(node) { fence(node, .lease) }
        announce(node)
    }

    /// What is held up to the last mark goes on.
    private func goOn(
        _ node: FailoverNode, _ succession: Succession, after last: MediaSequenceNumber?
    ) -> FeedSummary {
        let newest = [succession.listed, last].compactMap { $0 }.max()
        let beginning = max(wall(of: node).milliseconds.magnitude / 1000, newest.map { $0 + 1 } ?? 0)
        if node.feed == nil {
            node.feed = node.makeFeed(of: Self.stream, term: Term(number: 0, salt: 0), checks: .states)
        }
        return node.feed?.succeed(in: succession.term)?.summary ?? FeedSummary(firstSegment: beginning)
    }

    /// Whoever asked has the stream: a publisher that waits for this node's term is cut.
    private func yieldTaking(_ node: FailoverNode) {
        guard let taking = node.taking, !taking.isYielded else { return }
        node.taking?.isYielded = true
        if let publisher = taking.publisher { cutPublisher(publisher) }
    }

    /// The node takes no term after all: its publisher is cut, and it subscribes like any other.
    func giveUp(_ node: FailoverNode) {
        if let term = node.taking?.session.term { release(term, node) }
        stopCopy(node)
        yieldTaking(node)
        node.taking = nil
    }

    /// The node writes no more: another has the stream.
    func stop(_ node: FailoverNode) {
        guard let gateway = node.gateway else { return }
        note("n\(node.number) stops \(gateway.term)")
        if let publisher = gateway.publisher { cutPublisher(publisher) }
        // What was sent until now is in a part that has ended, so that whoever goes on has it.
        if gateway.publisher != nil { sequence(FailoverMedia(content: .left, now: now), node) }
        release(gateway.term, node)
        // What that part brought is told with the answer to who asked.
        node.audit.commit = node.feed?.commit
        node.audit.fence = nil
        node.gateway = nil
        node.feed?.resign(to: .verifies(oneIn: 1))
    }

    /// Nothing comes any more: the stream ends, or is given up.
    func end(_ node: FailoverNode) {
        var records: [FeedRecord] = []
        node.gateway?.sequencer.end(.publisherGone, now: now, into: &records)
        append(records, node)
        announce(node, state: .ended)
        note("n\(node.number) ends \(node.gateway?.term.description ?? "")")
    }
}
