// SPDX-License-Identifier: Apache-2.0

import Placement
import TestKit
import Testing

@Suite("The size of an edge set")
struct EdgeSetSizeTests {
    @Test(
        "follows a growing audience at once",
        arguments: [(0, 0), (1, 2), (1600, 2), (1601, 3), (2400, 3), (2401, 4), (8000, 10), (80_000, 50)])
    func growth(audience: Int, count: Int) {
        var size = EdgeSetSize()
        #expect(update(&size, audience, at: 0) == (count > 0))
        #expect(size.count == count)
    }

    @Test("shrinks when the audience was small for a minute, to what its peak needs")
    func shrinking() {
        var size = EdgeSetSize()
        _ = update(&size, 8000, at: 0)
        _ = update(&size, 1000, at: 1)
        #expect(size.nextDeadline == .seconds(61))
        _ = update(&size, 2000, at: 30)
        _ = update(&size, 100, at: 60)
        #expect(size.count == 10)
        #expect(update(&size, 100, at: 61))
        #expect(size.count == 5)
        #expect(size.nextDeadline == .seconds(121))
    }

    @Test("starts its minute anew when the audience comes back")
    func anew() {
        var size = EdgeSetSize()
        _ = update(&size, 8000, at: 0)
        _ = update(&size, 1000, at: 1)
        _ = update(&size, 5000, at: 59)
        #expect(size.nextDeadline == nil)
        _ = update(&size, 1000, at: 60)
        _ = update(&size, 1000, at: 119)
        #expect(size.count == 10)
    }

    @Test("is nothing a minute after the last viewer, and never over the edges there are")
    func limits() {
        var size = EdgeSetSize()
        _ = update(&size, 1, at: 0)
        _ = update(&size, 0, at: 1)
        #expect(size.count == 2)
        _ = update(&size, 0, at: 61)
        #expect(size.count == 0)
        _ = size.update(
            audience: Bandwidth(kilobits: .max), unit: .zero, smallest: 2, largest: 3, delay: .seconds(60), now: .zero)
        #expect(size.count == 3)
    }

    @Test("does not flap when the audience wanders around a threshold", arguments: 1...20 as ClosedRange<UInt64>)
    func wandering(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var size = EdgeSetSize()
        let middle = Int.random(in: 1000...40_000, using: &random)
        var audience = middle
        var changes = 0
        for second in 0..<3600 {
            let step = Int.random(in: -middle / 50...middle / 50, using: &random)
            audience = min(max(audience + step, middle * 85 / 100), middle * 115 / 100)
            let before = size.count
            _ = update(&size, audience, at: second)
            if size.count != before { changes += 1 }
            #expect(Double(audience) <= 0.8 * Double(size.count) * 1000 || size.count == 50, "seed \(seed)")
        }
        #expect(changes <= 20, "seed \(seed)")
        let settled = size.count
        for second in 3600..<7200 {
            audience = Int.random(in: middle * 85 / 100...middle * 110 / 100, using: &random)
            _ = update(&size, audience, at: second)
        }
        #expect(size.count <= settled + 1 && size.count >= settled - 1, "seed \(seed)")
    }

    private func update(_ size: inout EdgeSetSize, _ audience: Int, at second: Int) -> Bool {
        size.update(
            audience: Bandwidth(kilobits: UInt64(audience)), unit: Bandwidth(kilobits: 1000), smallest: 2, largest: 50,
            delay: .seconds(60), now: .seconds(second))
    }
}
