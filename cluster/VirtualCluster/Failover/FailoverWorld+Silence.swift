// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import Placement
import Relay

/// What a gateway knows of a standby that says nothing.
struct FailoverSilence {
    /// The newest committed part when parts were last seen to wait for the standby.
    var stuck: PartPosition??
    var nextLook: Duration = .zero
    /// The question to all who may have promised the stream to somebody.
    var question: TermConfirmation?
    /// Since when a higher term is promised that nobody has.
    var forlornSince: Duration?
}

/// Standbys that acknowledge nothing: some are given up, and some wait for a term that nobody ever began.
extension FailoverWorld {
    /// Once a second: whether parts wait and nothing moves.
    func watchHolders(_ node: FailoverNode) {
        guard let gateway = node.gateway, !gateway.isFenced, !gateway.sequencer.summary.hasEnded else { return }
        if gateway.silence.question != nil {
            return obey(node.gateway?.silence.question?.tick(now: now) ?? [], of: node)
        }
        guard now >= gateway.silence.nextLook else { return }
        node.gateway?.silence.nextLook = now + .seconds(1)
        let committed = gateway.commits.committed?.part
        let waits = gateway.commits.waitingCount > 0
        node.gateway?.silence.stuck = waits ? .some(committed) : nil
        guard waits, let stuck = gateway.silence.stuck, stuck == committed else { return }
        let peers = node.snapshot.termPeers(for: Self.stream).count
        node.gateway?.silence.question = TermConfirmation(gateway.term, byAll: peers, settings: settings)
    }

    func heardOfSilence(_ answer: TermAnswer, by id: NodeID, _ node: FailoverNode) {
        guard node.gateway?.silence.question != nil else { return }
        obey(node.gateway?.silence.question?.answered(answer, by: id) ?? [], of: node)
    }

    private func obey(_ directives: [TermConfirmation.Directive], of node: FailoverNode) {
        for directive in directives {
            switch directive {
            case .ask(let term):
                for peer in node.snapshot.termPeers(for: Self.stream) { ask(term, number(of: peer.node), node) }
            case .confirm, .unheard:
                node.gateway?.silence.question = nil
                note("n\(node.number) gives up its standby")
                _ = node.gateway?.commits.removeAll()
                settle(node)
                dismissHolders(of: node)
            case .yield:
                node.gateway?.silence.question = nil
                outlive(node)
            }
        }
    }

    /// Others have promised a higher term. If nobody begins it, the gateway goes on above it, with its publisher.
    private func outlive(_ node: FailoverNode) {
        guard let gateway = node.gateway else { return }
        if let entry = node.entry, entry.gateway != node.id, entry.term > gateway.term { return stop(node) }
        let since = gateway.silence.forlornSince ?? now
        node.gateway?.silence.forlornSince = since
        guard now - since >= .seconds(3), let publisher = gateway.publisher else { return }
        note("n\(node.number) leaves \(gateway.term)")
        sequence(FailoverMedia(content: .left, now: now), node)
        node.gateway = nil
        node.feed?.resign(to: .verifies(oneIn: 1))
        dismissHolders(of: node)
        take(node, for: publisher)
        take(.parameters, from: publisher, node)
    }

    /// A standby counts from when it holds the window anew.
    private func dismissHolders(of node: FailoverNode) {
        for wire in wires.values.sorted(by: { $0.number < $1.number })
        where wire.parent == node.number && wire.isHolding {
            close(wire.number)
        }
    }
}

/// A term that nobody ever began.
extension FailoverWorld {
    /// An origin that the gateway can not hear takes a term, and dies when others have promised it: the gateway must go on
    /// for all of them, with its publisher.
    public func playForlorn() {
        run(for: .seconds(6))
        guard let gateway = nodes.first(where: { $0.gateway != nil }), let term = gateway.gateway?.term,
            let taker = nodes.first(where: { $0.isOrigin && $0 !== gateway && $0.number != gateway.gateway?.standby })
        else { return problems.append("there is no gateway with a standby") }
        let connection = publisher.connection
        cuts = [Cut(from: gateway.number, to: taker.number), Cut(from: taker.number, to: gateway.number)]
        take(taker, for: 0)
        run(for: .milliseconds(Int.random(in: 50...250, using: &random)))
        kill(taker)
        cuts = []
        if !nodes.contains(where: { $0.promised ?? .lowest > term }) { problems.append("nobody promised anything") }
        run(for: .seconds(8))
        mend()
        expectRecovery()
        if publisher.connection != connection { problems.append("the publisher was cut") }
    }
}
