// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import TestKit
import Testing
import VirtualCluster

@Suite("A virtual cluster")
struct VirtualClusterTests {
    @Test("does the same for the same seed, and other things for another")
    func determinism() {
        let hashes = [UInt64(7), 7, 8].map { seed in
            var cluster = SimulatedCluster(VirtualPlan(nodes: 10, link: .losing(0.1)), seed: seed)
            cluster.startAll()
            cluster.run(for: .seconds(5))
            cluster.crash(4)
            cluster.run(for: .seconds(10))
            return cluster.hash
        }
        #expect(hashes[0] == hashes[1])
        #expect(hashes[0] != hashes[2])
    }

    @Test("finds itself, knows its dead, and takes them back", arguments: 1...10 as ClosedRange<UInt64>)
    func life(seed: UInt64) {
        var cluster = SimulatedCluster(VirtualPlan(nodes: 12, link: .losing(0.05)), seed: seed)
        cluster.startAll()
        cluster.run(for: .seconds(5))
        cluster.checkAtRest()
        cluster.crash(7)
        cluster.run(for: .seconds(20))
        #expect(cluster.record.entries[7]?.unaware.isEmpty == true, "seed \(seed)")
        cluster.start(7)
        cluster.run(for: .seconds(2))
        #expect(cluster.nodes[0].core.region.liveCount == 12, "seed \(seed)")
        cluster.freeze(3)
        cluster.run(for: .seconds(15))
        cluster.thaw(3)
        for node in cluster.nodes.indices { cluster.setLink(LinkSettings(), of: node) }
        cluster.run(for: .seconds(20))
        cluster.checkAtRest()
        #expect(cluster.violations.isEmpty, "seed \(seed)")
    }

    @Test("heals from a cut", arguments: 1...5 as ClosedRange<UInt64>)
    func heals(seed: UInt64) {
        var cluster = SimulatedCluster(VirtualPlan(nodes: 12), seed: seed)
        cluster.startAll()
        cluster.run(for: .seconds(5))
        cluster.cut(from: Array(0..<6), to: Array(6..<12))
        cluster.run(for: .seconds(40))
        #expect(cluster.nodes[0].core.region.liveCount == 6, "seed \(seed)")
        cluster.heal()
        cluster.run(for: .seconds(10))
        cluster.checkAtRest()
        #expect(cluster.violations.isEmpty, "seed \(seed)")
    }
}

@Suite("A link")
struct LinkModelTests {
    @Test("loses, doubles and delays what it was told to", arguments: [0.0, 0.1, 0.4])
    func loss(loss: Double) {
        var random = SeededRandom(seed: 3)
        var settings = LinkSettings.losing(loss)
        settings.duplication = 0.05
        var link = LinkModel(settings)
        var lost = 0
        var doubled = 0
        for _ in 0..<20_000 {
            let (first, second) = link.send(bytes: 100, now: .zero, using: &random)
            guard let first else {
                lost += 1
                continue
            }
            #expect(first >= settings.delay && first <= settings.delay + settings.jitter)
            if second != nil { doubled += 1 }
        }
        #expect(abs(Double(lost) / 20_000 - loss) < 0.015)
        #expect(abs(Double(doubled) / Double(20_000 - lost) - 0.05) < 0.015)
    }

    @Test("of a rate sends one after the other, and drops what would wait too long")
    func rate() {
        var random = SeededRandom(seed: 3)
        var settings = LinkSettings()
        settings.jitter = .zero
        settings.rate = 10_000
        var link = LinkModel(settings)
        let arrivals = (0..<20).map { _ in link.send(bytes: 100, now: .zero, using: &random).first }
        #expect(arrivals[0] == settings.delay + .milliseconds(10))
        #expect(arrivals[9] == settings.delay + .milliseconds(100))
        #expect(arrivals[12] == nil)
    }
}
