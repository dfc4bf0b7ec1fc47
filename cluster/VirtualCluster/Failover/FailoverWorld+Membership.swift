// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import Identity
import Placement
import Relay

/// Gossip, modelled: who is believed dead, and what the directory says where.
extension FailoverWorld {
    /// A node hears of an entry: keeps it where it is newer, passes it on, and obeys it.
    func learn(_ entry: StreamEntry, _ node: FailoverNode) {
        guard node.entry.map({ entry.overrides($0) }) ?? true else { return }
        node.entry = entry
        for peer in nodes where peer !== node {
            send(.entry(entry), from: node.number, to: peer.number, after: rumourDelay)
        }
        look(node)
        if let own = node.gateway?.term, entry.term > own { stop(node) }
        if let own = node.gateway, entry.term == own.term, entry.state == .ended, entry.gateway == node.id {
            node.gateway?.absentSince = nil
        }
        obey(entry, node)
    }

    private var rumourDelay: Duration { .milliseconds(Int.random(in: 10...300, using: &random)) }

    /// Parents that have no place in the tree any more are left; a node that becomes the standby begins anew.
    private func obey(_ entry: StreamEntry, _ node: FailoverNode) {
        guard node.gateway == nil, node.taking == nil, node.subscriber != nil else { return }
        let isHolder = entry.standby == node.id
        guard isHolder == node.isHolder else { return letGo(node) }
        node.subscriber?.learn(entry.term, now: now)
        let fit = parents(of: node)
        for wire in wires.values.sorted(by: { $0.number < $1.number })
        where wire.child == node.number && !wire.isCopy && !fit.contains(wire.parent) {
            disown(wire.path, node)
        }
    }

    /// A node that drains holds on for a while, until the new standby has the window.
    private func letGo(_ node: FailoverNode) {
        guard let drain = node.drain, node.isHolder else { return unsubscribe(node) }
        node.drain?.holdsUntil = drain.holdsUntil ?? now + Self.overlap
    }

    private func disown(_ path: RelayPath, _ node: FailoverNode) {
        obey(node.subscriber?.disown(path, now: now) ?? [], node)
    }

    /// What a node does as time goes on: notices deaths and returns, tells others what it knows, ends what nobody else can.
    func follow(_ node: FailoverNode) {
        var isNews = false
        for peer in nodes where peer !== node {
            if peer.state == .up && isHeard(peer, by: node) {
                node.unheard[peer.number] = nil
                isNews = node.dead.remove(peer.number) != nil || isNews
            } else {
                let since = node.unheard[peer.number] ?? now
                node.unheard[peer.number] = since
                if now - since > .milliseconds(2500) { isNews = node.dead.insert(peer.number).inserted || isNews }
            }
        }
        if isNews {
            look(node)
            if node.gateway?.isFenced == false, node.gateway?.sequencer.summary.hasEnded == false { announce(node) }
        }
        if Int.random(in: 0..<100, using: &random) == 0, let entry = node.entry {
            let peer = Int.random(in: 0..<nodes.count, using: &random)
            if peer != node.number { send(.entry(entry), from: node.number, to: peer) }
        }
        keepGrace(node)
    }

    /// A gateway ends what its publisher did not come back to, and what it knows nothing of; the heir what the gateway can
    /// not end.
    private func keepGrace(_ node: FailoverNode) {
        if let since = node.gateway?.absentSince, now - since > Self.grace, node.gateway?.isFenced == false {
            node.gateway?.absentSince = nil
            return end(node)
        }
        guard let entry = node.entry, entry.state != .ended, node.gateway == nil, node.taking == nil else {
            node.orphanSince = nil
            return
        }
        guard now.components.attoseconds % 100_000_000_000_000_000 == 0 else { return }
        guard node.snapshot.heir(of: entry) == node.id else {
            node.orphanSince = nil
            return
        }
        let since = node.orphanSince ?? now
        node.orphanSince = since
        if now - since > Self.grace, !isCutOffFromStore(node) { take(node, for: nil) }
    }

    /// Whether a node hears of another that it lives: from itself, or from one that both speak with.
    func isHeard(_ peer: FailoverNode, by node: FailoverNode) -> Bool {
        talks(peer.number, node.number)
            || nodes.contains { other in
                other.state == .up && talks(peer.number, other.number) && talks(other.number, node.number)
            }
    }

    /// Makes the snapshot that choices are made over.
    func look(_ node: FailoverNode) {
        node.viewVersion += 1
        let members = nodes.map { peer in
            Member(
                description: peer.description, incarnation: UInt64(peer.life),
                health: peer !== node && node.dead.contains(peer.number) ? .dead : .alive)
        }
        let streams = node.entry.map { [Self.stream: $0] } ?? [:]
        node.snapshot = PlacementSnapshot(
            ClusterView(
                node: node.id, version: node.viewVersion, members: members, streams: streams, regions: [:]))
    }
}
