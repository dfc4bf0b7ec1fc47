// SPDX-License-Identifier: Apache-2.0

import Steering
import TestKit
import Testing

@Suite("Shares of an audience")
struct AudienceSharesTests {
    /// How many of so many viewers go to each pathway.
    private static func counts(_ shares: AudienceShares, of viewers: Int = 20_000, seed: UInt64 = 1) -> [String?: Int] {
        var random = SeededRandom(seed: seed)
        return (0..<viewers).reduce(into: [:]) { counts, _ in
            counts[shares.pathway(of: random.next()), default: 0] += 1
        }
    }

    @Test(
        "are kept to the percent",
        arguments: [["CDN": 30], ["CDN": 1, "REGION.east": 99], ["a": 50, "b": 25, "c": 0]])
    func exact(shares: [String: Int]) {
        let counts = Self.counts(AudienceShares(shares))
        for (pathway, percent) in shares {
            let share = Double(counts[pathway] ?? 0) / 200
            #expect(abs(share - Double(percent)) < 1.5, "\(pathway): \(share) of \(percent)")
        }
        let rest = 100 - shares.values.reduce(0, +)
        #expect(abs(Double(counts[nil] ?? 0) / 200 - Double(rest)) < 1.5)
    }

    @Test("have each viewer where it was when asked again, and on any node")
    func stable() {
        var random = SeededRandom(seed: 2)
        let (one, other) = (AudienceShares(["CDN": 40, "x": 20]), AudienceShares(["x": 20, "CDN": 40]))
        for _ in 0..<1000 {
            let viewer: UInt64 = random.next()
            #expect(one.pathway(of: viewer) == other.pathway(of: viewer))
        }
    }

    @Test("move as many viewers as they change by, and few others", arguments: 1...20 as ClosedRange<UInt64>)
    func minimal(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let before = [
            "CDN": Int.random(in: 0...40, using: &random), "REGION.east": Int.random(in: 1...30, using: &random),
        ]
        var after = before
        after["CDN", default: 0] += 10
        let (one, other) = (AudienceShares(before), AudienceShares(after))
        let moved = (0..<100 as Range<UInt64>).count { one.pathway(of: $0) != other.pathway(of: $0) }
        #expect(moved >= 10 && moved <= 30, "seed \(seed): \(moved)")
        let grown = (0..<100 as Range<UInt64>).filter { one.pathway(of: $0) == "CDN" }
        #expect(grown.allSatisfy { other.pathway(of: $0) == "CDN" }, "seed \(seed)")
    }

    @Test("of nothing, and beyond the whole, move nobody where there is no room")
    func bounds() {
        #expect(Self.counts(AudienceShares([:])) == [nil: 20_000])
        let none = AudienceShares(["CDN": 0])
        #expect(none.left == ["CDN"] && Self.counts(none) == [nil: 20_000])
        let all = Self.counts(AudienceShares(["a": 100, "b": 100]))
        #expect(all == ["a": 20_000])
    }
}
