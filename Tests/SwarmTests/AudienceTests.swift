// SPDX-License-Identifier: Apache-2.0

import Swarm
import Testing

@Suite("An audience") struct AudienceTests {
    @Test("is shared out by Zipf's law", arguments: [(0.0, 1.0), (0.8, 1.741), (1.0, 2.0)])
    func shares(_ exponent: Double, _ wanted: Double) {
        let audience = Audience(streams: 10, exponent: exponent)
        var random = SplitMix(seed: 7)
        var viewers = [Int](repeating: 0, count: 10)
        for _ in 0..<100_000 { viewers[audience.stream(using: &random)] += 1 }
        let ratio = Double(viewers[0]) / Double(viewers[1])
        #expect(abs(ratio - wanted) < 0.08, "first to second: \(ratio)")
        #expect(viewers.allSatisfy { $0 > 0 })
    }

    @Test("of one stream is all there")
    func single() {
        var random = SplitMix(seed: 1)
        let audience = Audience(streams: 1, exponent: 1)
        #expect((0..<100).allSatisfy { _ in audience.stream(using: &random) == 0 })
    }

    @Test("is the same again with the same seed")
    func seeded() {
        let audience = Audience(streams: 500, exponent: 1)
        let draws = (0..<2).map { _ in
            var random = SplitMix(seed: 42)
            return (0..<50).map { _ in audience.stream(using: &random) }
        }
        #expect(draws[0] == draws[1])
        #expect(Set(draws[0]).count > 10)
    }
}
