// SPDX-License-Identifier: Apache-2.0

import Placement
import TestKit
import Testing

@Suite("The cost of a node in a ranking")
struct RankingCostTests {
    /// Computed by an independent program with the same operations of IEEE 754; its costs differ from those of a C
    /// library's logarithm by less than 6 units of the last place in 300,000 random cases.
    @Test(
        "is the same to the last bit on every machine",
        arguments: [
            (0x0000_0000_0000_0000, 1, 0x4042_5E4F_7B27_37FA), (0x0000_0000_0000_0000, 1000, 0x3FA2_CF2A_7A03_4BC1),
            (0x0000_0000_0000_1000, 1, 0x4041_D1B0_2751_CFE1), (0x0000_0000_0000_1000, 1000, 0x3FA2_3F2B_2A4F_ADF5),
            (0x8000_0000_0000_0000, 1, 0x3FE6_2E42_FEFA_39ED), (0x7FFF_FFFF_FFFF_FFFF, 1, 0x3FE6_2E42_FEFA_39F1),
            (0xFFFF_FFFF_FFFF_FFFF, 1, 0x3CA0_0000_0000_0000), (0xFFFF_FFFF_FFFF_FFFF, 1000, 0x3C00_624D_D2F1_A9FC),
            (0xFFFF_FFFF_FFFF_EFFF, 1, 0x3CB8_0000_0000_0002), (0x8368_89CA_D57B_A245, 1, 0x3FE5_56FB_165E_45A9),
            (0x8368_89CA_D57B_A245, 1000, 0x3F45_DA17_A437_931C), (0xB504_F333_F9DE_6484, 1, 0x3FD6_2E42_FEFA_39F2),
            (0x0123_4567_89AB_CDEF, 1, 0x4015_AA16_394D_4834), (0x0123_4567_89AB_CDEF, 1000, 0x3F76_2F31_6196_D11B),
        ] as [(UInt64, Double, UInt64)])
    func vectors(mixed: UInt64, weight: Double, bits: UInt64) {
        #expect(RankingCost.cost(mixed, inverseWeight: 1 / weight).bitPattern == bits)
    }

    @Test("is never below its bound", arguments: 1...4 as ClosedRange<UInt64>)
    func bound(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50_000 {
            let mixed = random.next() | (UInt64.max << UInt64.random(in: 0...63, using: &random))
            let inverse = 1 / Double(UInt32.random(in: 1...100_000, using: &random))
            let cost = RankingCost.cost(mixed, inverseWeight: inverse)
            #expect(RankingCost.lowerBound(mixed, inverseWeight: inverse) <= cost, "seed \(seed), \(mixed)")
            #expect(cost > 0, "seed \(seed), \(mixed)")
        }
    }
}
