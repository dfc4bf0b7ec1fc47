// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import Identity
import Placement

/// A node that hands over what it has.
struct FailoverDrain {
    var plan: HandoverPlan
    let end: Duration
    var nextTick: Duration
    /// Until when it holds on as a standby that is none any more.
    var holdsUntil: Duration?
}

/// Drains: nothing new comes to the node, its publisher is asked to go to the standby and cut off at a boundary where it
/// does not, its subscribers go, and then its process ends.
extension FailoverWorld {
    func beginDrain(_ node: FailoverNode) {
        guard node.state == .up, node.drain == nil else { return }
        note("n\(node.number) drains")
        node.description.isDraining = true
        node.drain = FailoverDrain(
            plan: HandoverPlan(from: now, to: now + Self.drainTime), end: now + Self.drainTime, nextTick: now)
        for other in nodes where other.state == .up { seen(other) }
    }

    /// What a node does as its drain goes on.
    func keepDrain(_ node: FailoverNode) {
        guard let drain = node.drain else { return }
        guard now < drain.end else { return kill(node) }
        if let until = drain.holdsUntil, now >= until {
            node.drain?.holdsUntil = nil
            if node.entry?.standby != node.id, node.isHolder { unsubscribe(node) }
        }
        guard now >= drain.nextTick else { return }
        node.drain?.nextTick = now + .seconds(1)
        guard let gateway = node.gateway, let publisher = gateway.publisher, node.snapshot.origins.count > 0 else {
            return
        }
        for directive in node.drain?.plan.tick([Self.stream], now: now) ?? [] {
            switch directive {
            case .ask: invite(publisher, to: gateway.standby)
            case .part:
                node.gateway?.isParting = true
                part(node)
            case .partAtBoundary: node.gateway?.isParting = true
            }
        }
    }

    /// Cuts the publisher off: nobody may publish here any more, another node may have the stream in the grace.
    func part(_ node: FailoverNode) {
        guard let publisher = node.gateway?.publisher else { return }
        cutPublisher(publisher)
        leave(node)
    }

    /// Whether a node serves a stream to nobody but its holders any more.
    func isLeaving(_ node: FailoverNode) -> Bool {
        guard node.drain != nil, let entry = node.entry else { return false }
        return entry.gateway != node.id && entry.standby != node.id
    }

    /// A description has changed, and gossip tells of it.
    private func seen(_ node: FailoverNode) {
        look(node)
        if node.gateway?.isFenced == false, node.gateway?.sequencer.summary.hasEnded == false { announce(node) }
    }

    /// Half of all encoders understand that they are to go on elsewhere.
    private func invite(_ connection: Int, to standby: Int?) {
        guard let standby, publisher.connection == connection, Bool.random(using: &random) else { return }
        publisher.invitation = standby
    }

    static let drainTime: Duration = .seconds(6)
    /// What a new standby needs to have the window.
    static let overlap: Duration = .seconds(3)
}
