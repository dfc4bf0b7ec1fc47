// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import Placement
import Relay

/// What a gateway knows of a standby that says nothing.
struct FailoverSilence {
    /// Who owes what.
    var watch = HolderWatch()
    /// The question to all who may have promised the stream to somebody.
    var question: TermConfirmation?
    var askedAt: Duration = .zero
    /// Since when a higher term is promised that nobody has.
    var forlornSince: Duration?
}

/// Standbys that acknowledge nothing: some are given up, and some wait for a term that nobody ever began.
extension FailoverWorld {
    /// Whether a standby owes acknowledgements and nothing is heard of it, or none ever joined.
    func watchHolders(_ node: FailoverNode) {
        guard let gateway = node.gateway, !gateway.isFenced, !gateway.sequencer.summary.hasEnded else { return }
        if gateway.silence.question != nil {
            return obey(node.gateway?.silence.question?.tick(now: now) ?? [], of: node)
        }
        let silent = gateway.silence.watch.questionable(now: now)
        let isMissing = node.gateway?.silence.watch.isMissing(node.entry?.standby, now: now) ?? false
        guard !silent.isEmpty || isMissing else { return }
        let peers = Set(node.snapshot.termPeers(for: Self.stream).map(\.node))
        node.gateway?.silence.askedAt = now
        node.gateway?.silence.question = TermConfirmation(
            gateway.term, byAll: peers, atLeast: peers.subtracting(silent), settings: settings)
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
            case .confirm, .unheard: giveUpHolders(of: node)
            case .yield:
                node.gateway?.silence.question = nil
                outlive(node)
            }
        }
    }

    private func giveUpHolders(of node: FailoverNode) {
        guard var gateway = node.gateway else { return }
        for holder in gateway.silence.question?.agreed ?? [] { gateway.silence.watch.answered(holder, now: now) }
        gateway.silence.question = nil
        let lost = gateway.silence.watch.lost(askedAt: gateway.silence.askedAt, now: now)
        for holder in lost {
            note("n\(node.number) gives up \(holder)")
            gateway.silence.watch.remove(holder)
            _ = gateway.commits.remove(holder)
        }
        node.gateway = gateway
        guard !lost.isEmpty else { return }
        settle(node)
        dismissHolders(of: node)
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
            close(wire.number, by: node.number)
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
        heal()
        if !nodes.contains(where: { $0.promised ?? .lowest > term }) { problems.append("nobody promised anything") }
        run(for: .seconds(8))
        mend()
        expectRecovery()
        if publisher.connection != connection { problems.append("the publisher was cut") }
    }

    /// An origin that hears neither the gateway nor its standby takes a term, and dies when edges have promised it: they must
    /// list again. Or it lives, takes none, and becomes the standby: it must come to hold the stream.
    public func playForsaken() {
        run(for: .seconds(6))
        guard let gateway = gatewayNow, let standby = standbyNow,
            let taker = nodes.first(where: { $0.isOrigin && $0 !== gateway && $0 !== standby })
        else { return problems.append("there is no gateway with a standby") }
        let connection = publisher.connection
        for node in [gateway, standby] {
            cuts.formUnion([Cut(from: node.number, to: taker.number), Cut(from: taker.number, to: node.number)])
        }
        take(taker, for: 0)
        run(for: .milliseconds(Int.random(in: 50...250, using: &random)))
        let livesOn = Bool.random(using: &random)
        if livesOn { giveUp(taker) } else { kill(taker) }
        if livesOn { kill(standby) }
        heal()
        run(for: .seconds(livesOn ? 14 : 8))
        if livesOn, !isHeldTwice { problems.append("the standby never joined") }
        mend()
        expectRecovery()
        if publisher.connection != connection { problems.append("the publisher was cut") }
    }
}
