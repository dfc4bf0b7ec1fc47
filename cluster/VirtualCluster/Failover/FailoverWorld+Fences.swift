// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import Identity
import Placement
import Relay

/// Gateways that write nothing for now, and how they come to write again.
extension FailoverWorld {
    /// Closes the gate in front of the sequencer, for one more reason.
    func fence(_ node: FailoverNode, _ reason: FailoverFence) {
        guard let gateway = node.gateway else { return }
        if !gateway.isFenced { node.audit.fence = FencedPosition(gateway, node.feed) }
        if node.gateway?.fences.insert(reason).inserted ?? false { note("n\(node.number) is fenced: \(reason)") }
    }

    /// The process notices that it stood still: it is in doubt, and what it asked before is asked again.
    func hasStood(_ node: FailoverNode) {
        node.runsSince = now
        fence(node, .clock)
        node.gateway?.check = nil
        node.gateway?.recount = nil
        node.gateway?.silence.question = nil
    }

    /// A reason has gone; what has waited goes through where it was the last.
    func unfence(_ node: FailoverNode, _ reason: FailoverFence) {
        guard node.gateway?.fences.remove(reason) != nil, node.gateway?.isFenced == false else { return }
        checkOutdone(node)
        checkFence(node)
        node.audit.fence = nil
        let waiting = node.gateway?.waiting ?? []
        node.gateway?.waiting = []
        for media in waiting { sequence(media, node) }
        settle(node)
    }

    /// Does what is due at a gateway in doubt.
    func keepFences(_ node: FailoverNode) {
        guard let gateway = node.gateway else { return }
        if gateway.check != nil { obey(node.gateway?.check?.tick(now: now) ?? [], node) }
        if gateway.fences.contains(.clock), node.gateway?.check == nil { doubt(node) }
        count(node)
        if let first = node.gateway?.waiting.first, now - first.now > Self.longestWait,
            let publisher = gateway.publisher
        {
            // It does better elsewhere.
            cutPublisher(publisher)
            leave(node)
        }
    }

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
                unfence(node, .clock)
            case .unheard: node.gateway?.check = nil
            case .yield: stop(node)
            }
        }
    }

    /// Publishers wait no longer than that at a gate.
    static let longestWait: Duration = .seconds(10)
}

// MARK: - Quorum

extension FailoverWorld {
    /// Once a second: a gateway that knows of too few origins may be on the smaller side of a cut.
    private func count(_ node: FailoverNode) {
        guard variant.quorum > 0, let gateway = node.gateway else { return }
        if gateway.recount != nil { return recount(node.gateway?.recount?.tick(now: now) ?? [], node) }
        guard now >= gateway.nextCount else { return }
        node.gateway?.nextCount = now + .seconds(1)
        guard node.snapshot.hasQuorum(of: variant.quorum) else { return fence(node, .quorum) }
        guard gateway.fences.contains(.quorum) else { return }
        let peers = Set(node.snapshot.termPeers(for: Self.stream).map(\.node))
        node.gateway?.recount = TermConfirmation(
            gateway.term, byAll: peers, atLeast: node.snapshot.voters, settings: settings)
    }

    /// An answer to the question whether the term still is the highest.
    func heardOfQuorum(_ answer: TermAnswer, by id: NodeID, _ node: FailoverNode) {
        guard node.gateway?.recount != nil else { return }
        recount(node.gateway?.recount?.answered(answer, by: id) ?? [], node)
    }

    /// An answer for a gateway that stood still.
    func heardOfClock(_ answer: TermAnswer, by id: NodeID, _ node: FailoverNode) {
        guard node.gateway?.check != nil else { return }
        obey(node.gateway?.check?.answered(answer, by: id) ?? [], node)
    }

    private func recount(_ directives: [TermConfirmation.Directive], _ node: FailoverNode) {
        for directive in directives {
            switch directive {
            case .ask(let term):
                for peer in node.snapshot.termPeers(for: Self.stream) { ask(term, number(of: peer.node), node) }
            case .confirm:
                node.gateway?.recount = nil
                unfence(node, .quorum)
            case .unheard: node.gateway?.recount = nil  // asked again with the next count
            case .yield: stop(node)
            }
        }
    }
}
