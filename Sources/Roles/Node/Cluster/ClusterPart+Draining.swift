// SPDX-License-Identifier: Apache-2.0

import Cluster
import Clustering
import Identity
import NIOCore
import Origin
import Placement
import Replica
import Router
import Telemetry
import Transport

/// Draining: what this node has goes to others, one by one, before it ends.
extension ClusterPart {
    /// Takes nothing new from now on, hands over what it has, and ends the process when nothing is left, at the latest after
    /// `deadline`.
    func drain(within deadline: Duration) {
        let now = SystemClock.now()
        gossip?.change { $0.isDraining = true }
        streams.drain()
        desk.drain()
        shared.drain(from: now, until: now + deadline)
    }

    /// Whether the node takes nothing new.
    var isDraining: Bool { shared.drainDeadline != nil }

    /// Whether a drain has come to its end: nobody watches, publishes or subscribes here, nothing is held for another
    /// gateway, and what is held of streams that wait for their publisher is held elsewhere, too.
    func hasDrained(viewers: Int) -> Bool {
        guard let deadline = shared.drainDeadline else { return false }
        let isFree =
            viewers == 0 && streams.all.allSatisfy { $0.presence == .absent && $0.isHeldElsewhere }
            && replicas.all.allSatisfy { $0.subscriberCount == 0 || streams[$0.id] != nil } && !upstreams.isHolding
        return isFree || SystemClock.now() >= deadline
    }

    /// Once a second: publishers are asked to go to the origin that has their stream already, and those who do not are cut
    /// off in the end. Where there is no other origin they may stay to the last.
    func handOver() {
        guard isDraining, desk.snapshot.origins.count > 0 else { return }
        let published = streams.all.filter { $0.publisherAge != nil && $0.hasTerm }
        for directive in shared.handover(of: published.map(\.id), now: SystemClock.now()) {
            switch directive {
            case .ask(let stream): invite(stream)
            case .part(let stream): streams[stream]?.part()
            case .partAtBoundary(let stream): streams[stream]?.partAtBoundary()
            }
        }
    }

    /// Sends publishers elsewhere, as this node ends now.
    func inviteAll() {
        for stream in streams.all where stream.isHeldElsewhere { invite(stream.id) }
    }

    private func invite(_ stream: StreamID) {
        let snapshot = desk.snapshot
        let standby = desk.entry(stream)?.standby.flatMap { snapshot.origins.index(of: $0) }
        let url =
            standby.map { snapshot.origins.members[$0].description.publisherURL } ?? desk.publisherURL(for: stream)
        guard let url else { return }
        streams[stream]?.invite(to: "\(url)/\(stream.app)")
    }

    /// This node is no longer a stream's standby. One that drains holds it for another moment, until the new standby has the
    /// window: the stream is never held by its gateway alone.
    func letGo(_ stream: StreamID) {
        guard isDraining else { return upstreams.release(stream) }
        group.any().scheduleTask(in: TimeAmount(Self.overlap)) { [weak self] in
            guard let self, desk.entry(stream)?.standby != id else { return }
            upstreams.release(stream)
        }
    }

    /// What a new standby needs to have the window, with room to spare.
    private static let overlap: Duration = .seconds(3)
}

extension PlacementSnapshot {
    /// Whether a member is alive and hands over what it has.
    func isDraining(_ node: NodeID) -> Bool {
        view.member(node).map { $0.health <= .suspect && $0.description.isDraining } ?? false
    }
}
