// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import TestKit

/// A whole core under test, whose words and those of others the test says.
struct Core {
    var core: ClusterCore
    var random = SeededRandom(seed: 1)
    var now: Duration = .zero
    var directives: [ClusterCore.Directive] = []

    /// Node 0, in whose region are also the `others`, each alive in incarnation 100.
    init(_ own: NodeDescription = description(0), others: [NodeDescription] = []) {
        core = ClusterCore(description: own, boot: 1000, now: .zero)
        for other in others { hear(.alive(other, incarnation: 100)) }
    }

    mutating func hear(_ rumours: Rumour...) {
        core.receive(
            GossipDatagram(sender: name(1), rumours: rumours), from: endpoint(1), pool: .region, now: now,
            into: &directives)
    }

    /// Hears a message on the first stream that a peer opened; what it writes there.
    mutating func answers(to message: GossipStreamMessage, in pool: GossipPool) -> [GossipStreamMessage] {
        directives = []
        core.receive(message, on: .accepted(1), pool: pool, now: now, into: &directives)
        return directives.compactMap { if case .write(let answer, _, _) = $0 { answer } else { nil } }
    }

    /// Lets time pass while every ping is answered.
    mutating func live(for duration: Duration) {
        let end = now + duration
        while core.nextDeadline <= end {
            now = max(now, core.nextDeadline)
            var wanted: [ClusterCore.Directive] = []
            core.tick(now: now, using: &random, into: &wanted)
            directives += wanted
            for case .send(let datagram, let pool, let to) in wanted {
                guard case .ping(let sequence, let target) = datagram.message else { continue }
                core.receive(
                    GossipDatagram(sender: target, message: .ack(sequence: sequence, localHealth: 0)), from: to,
                    pool: pool, now: now, into: &directives)
            }
        }
        now = end
    }

    /// What this node would say to compare states.
    var digest: GossipStreamMessage {
        .digest(members: core.region.digest, directory: core.region.directoryDigest, isJoin: false)
    }
}
