// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import TestKit
import Testing

@Suite("A member whose packets come out wrong")
struct CorruptionTests {
    /// On the way a seal refuses every changed bit. What is left is a member that seals nonsense, which must do no more
    /// than be wrong about others.
    @Test("breaks nobody, whatever it seals", arguments: 1...10 as ClosedRange<UInt64>)
    func nonsense(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var node = Core(others: (1...9).map { description($0) })
        let encoder = GossipDatagramEncoder()
        var understood = 0
        for turn in 0..<400 {
            var bytes: [UInt8] = []
            encoder.append(datagram(turn), to: &bytes)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            guard
                let other = try? decodedDatagram(bytes, sender: name(turn % 9 + 1))
            else { continue }
            understood += 1
            node.core.receive(other, from: endpoint(1), pool: .region, now: node.now, into: &node.directives)
            if turn.isMultiple(of: 40) { node.live(for: .milliseconds(500)) }
        }
        #expect(understood > 20, "seed \(seed)")
        node.live(for: .seconds(30))
        for case .send(let datagram, _, _) in node.directives {
            #expect(datagram.sealedSize <= Membership.largestDatagram, "seed \(seed)")
        }
        #expect(node.core.region.own.health == .alive, "seed \(seed)")
    }

    private func datagram(_ turn: Int) -> GossipDatagram {
        let subject = turn % 10
        return GossipDatagram(
            sender: name(1), message: turn.isMultiple(of: 2) ? .ping(sequence: UInt32(turn), target: name(0)) : nil,
            rumours: [
                .alive(description(subject), incarnation: UInt64(100 + turn)),
                .suspect(name(subject), incarnation: UInt64(100 + turn), accuser: name(3)),
                .dead(name(subject), incarnation: UInt64(100 + turn), accuser: name(4)),
            ])
    }
}
