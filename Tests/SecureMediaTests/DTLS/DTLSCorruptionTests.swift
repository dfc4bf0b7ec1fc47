// SPDX-License-Identifier: Apache-2.0

import SecureMedia
import TestKit
import Testing

@Suite("A DTLS flight that is spoilt on its way")
struct DTLSCorruptionTests {
    @Test("cut at any byte never makes ends believe in different keys", arguments: 0..<4)
    func truncated(flight: Int) {
        let contexts = (DTLSContext(Sample.active), DTLSContext(Sample.passive))
        for count in 0..<700 {
            check(contexts, "\(count) bytes") { number, datagrams in
                number == flight ? datagrams.map { Array($0.prefix(count)) } : datagrams
            }
        }
    }

    @Test("by changed bits never does either", arguments: 0..<4, 0..<150 as Range<UInt64>)
    func flipped(flight: Int, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let contexts = (DTLSContext(Sample.active), DTLSContext(Sample.passive))
        check(contexts, "seed \(seed)") { number, datagrams in
            guard number == flight else { return datagrams }
            return datagrams.map { $0.flipping(.random(in: 0..<$0.count * 8, using: &random)) }
        }
    }

    @Test("or is none at all is dropped, of any length", arguments: 0..<100 as Range<UInt64>)
    func noise(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let pair = DTLSPair()
        pair.link = { _, datagrams in
            let noise = (0..<3).map { _ in
                [.random(in: 20...23, using: &random), 0xFE, 0xFD]
                    + bytes(.random(in: 0...3000, using: &random), using: &random)
            }
            return datagrams + noise
        }
        pair.begin()
        // What looks like a record of the first epoch may end a handshake; it does not change its result.
        #expect(pair.active.keys == nil || pair.passive.keys == nil || pair.active.keys == pair.passive.keys?.reversed)
    }

    private func check(
        _ contexts: (DTLSContext, DTLSContext), _ what: String,
        _ link: @escaping (Int, [[UInt8]]) -> [[UInt8]]
    ) {
        let pair = DTLSPair(active: contexts.0, passive: contexts.1)
        pair.link = link
        pair.begin()
        guard let active = pair.active.keys, let passive = pair.passive.keys else { return }
        #expect(active == passive.reversed, "\(what)")
    }
}
