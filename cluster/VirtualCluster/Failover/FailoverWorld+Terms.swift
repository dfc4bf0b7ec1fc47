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
    private func known(_ node: FailoverNode) -> Term? {
        [node.entry?.term, node.promised, node.gateway?.term, node.feed?.next.term].compactMap { $0 }.max()
    }

    /// A node begins to take a term.
    func take(_ node: FailoverNode, for publisher: Int?) {
        unsubscribe(node)
        let peers = node.snapshot.termPeers(for: Self.stream).map(\.node)
        if node.feed.map({ $0.window.endReason != nil }) ?? false { node.feed = nil }
        let session = TermSession(
            Self.stream, for: publisher == nil ? .ending : .publishing, asking: peers,
            essential: node.snapshot.livingHolders(of: Self.stream), held: node.feed?.next, commit: node.feed?.commit,
            settings: settings)
        node.taking = FailoverTaking(session: session, publisher: publisher)
        begin(node, above: known(node))
    }

    private func begin(_ node: FailoverNode, above term: Term?) {
        obey(
            node.taking?.session.begin(above: term, unixTime: wall.milliseconds.magnitude, using: &random) ?? [], node)
    }

    /// Does what is due while a node takes a term, or doubts its own.
    func rule(_ node: FailoverNode) {
        if node.taking != nil {
            node.taking?.session.essential = node.snapshot.livingHolders(of: Self.stream)
            obey(node.taking?.session.tick(now: now) ?? [], node)
        }
        if node.gateway?.check != nil { obey(node.gateway?.check?.tick(now: now) ?? [], node) }
        if node.gateway?.isFenced ?? false, node.gateway?.check == nil { doubt(node) }
        watchHolders(node)
    }

    private func obey(_ directives: [TermSession.Directive], _ node: FailoverNode) {
        for directive in directives {
            guard node.taking?.isYielded == false else { return giveUp(node) }
            switch directive {
            case .again(let term): begin(node, above: term)
            case .ask(let term):
                stopCopy(node)
                _ = node.promise(term)
                for peer in node.snapshot.termPeers(for: Self.stream) { ask(term, number(of: peer.node), node) }
            case .begin(let succession): succeed(succession, node)
            case .claim(let term): obey(node.taking?.session.claimed(term, now: now) ?? [], node)
            case .fetch(let from, _): startCopy(node, from: number(of: from))
            case .yield(let failure):
                note("n\(node.number) takes no term: \(failure)")
                giveUp(node)
            }
        }
    }

    func ask(_ term: Term, _ peer: Int, _ node: FailoverNode) {
        if nodes[peer].state == .down {
            node.mailbox.insert(.refused(by: peer, life: node.life), at: now + .milliseconds(3))
        } else {
            send(.question(term, from: node.number, life: node.life), from: node.number, to: peer)
        }
    }

    /// Refuses lower terms from now on, and says what is held.
    func answer(_ term: Term, _ node: FailoverNode, to from: Int, life: Int) {
        var answer = TermAnswer(
            stream: Self.stream, term: max(known(node) ?? term, term), next: node.feed?.next, commit: node.feed?.commit)
        if answer.term == term {
            _ = node.promise(term)
            if let own = node.gateway?.term, own < term { stop(node) }
            yieldTaking(node)
            let held = node.promise(term)
            answer = TermAnswer(stream: Self.stream, term: term, next: held.next, commit: held.commit)
        }
        send(.answer(answer, from: node.number, life: life), from: node.number, to: from)
    }

    func answered(_ answer: TermAnswer, _ node: FailoverNode, by from: Int, life: Int) {
        guard life == node.life else { return }
        let id = nodes[from].id
        if node.taking != nil { obey(node.taking?.session.answered(answer, by: id, now: now) ?? [], node) }
        if node.gateway?.check != nil { obey(node.gateway?.check?.answered(answer, by: id) ?? [], node) }
        heardOfSilence(answer, by: id, node)
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
        if let other = writers[succession.term] {
            problems.append("n\(other) and n\(node.number) in \(succession.term)")
        }
        writers[succession.term] = node.number
        let summary = goOn(node, succession)
        note("n\(node.number) takes \(succession.term), listed \(succession.listed ?? 0), next \(summary.nextSegment)")
        var gateway = FailoverGateway(
            term: succession.term,
            sequencer: Sequencer(settings: Self.cuts, term: succession.term, continuing: summary),
            commits: CommitTracker(term: succession.term))
        gateway.publisher = taking.publisher
        node.gateway = gateway
        var records: [FeedRecord] = []
        if let listed = succession.listed { node.gateway?.sequencer.skip(through: listed, into: &records) }
        append(records, node)
        for media in taking.waiting { sequence(media, node) }
        guard taking.publisher != nil else { return end(node) }
        if taking.hasLeft { leave(node) }
        announce(node)
    }

    /// What is held up to the last mark goes on.
    private func goOn(_ node: FailoverNode, _ succession: Succession) -> FeedSummary {
        let beginning = max(wall.milliseconds.magnitude / 1000, succession.listed.map { $0 + 1 } ?? 0)
        if node.feed == nil {
            node.feed = FailoverNode.feed(of: Self.stream, term: Term(number: 0, salt: 0), checks: .states)
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
    private func giveUp(_ node: FailoverNode) {
        stopCopy(node)
        yieldTaking(node)
        node.taking = nil
    }

    /// The node writes no more: another has the stream.
    func stop(_ node: FailoverNode) {
        guard let gateway = node.gateway else { return }
        note("n\(node.number) stops \(gateway.term)")
        if let publisher = gateway.publisher { cutPublisher(publisher) }
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

    /// The process stood still.
    func fence(_ node: FailoverNode) { if node.gateway != nil { node.gateway?.isFenced = true } }

    private func doubt(_ node: FailoverNode) {
        guard let term = node.gateway?.term else { return }
        let alive = nodes.count { $0 !== node && !node.dead.contains($0.number) }
        node.gateway?.check = TermConfirmation(term, peers: alive, settings: settings)
    }

    private func obey(_ directives: [TermConfirmation.Directive], _ node: FailoverNode) {
        for directive in directives {
            switch directive {
            case .ask(let term):
                for peer in nodes where peer !== node && !node.dead.contains(peer.number) {
                    ask(term, peer.number, node)
                }
            case .confirm:
                node.gateway?.check = nil
                node.gateway?.isFenced = false
                let waiting = node.gateway?.waiting ?? []
                node.gateway?.waiting = []
                for media in waiting { sequence(media, node) }
                settle(node)
            case .unheard: node.gateway?.check = nil
            case .yield: stop(node)
            }
        }
    }
}
