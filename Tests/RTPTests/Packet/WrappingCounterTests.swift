// SPDX-License-Identifier: Apache-2.0

import RTP
import TestKit
import Testing

@Suite("A wrapping counter")
struct WrappingCounterTests {
    @Test("reads each value as the number nearest to the highest")
    func table() {
        var counter = WrappingCounter<UInt16>()
        let steps: [(UInt16, Int64)] = [
            (65_533, 65_533), (65_535, 65_535), (0, 65_536), (65_534, 65_534), (2, 65_538), (40_000, 40_000),
            (30_000, 95_536), (62_767, 128_303), (62_768, 128_304), (30_001, 95_537),
        ]
        for (wire, number) in steps { #expect(counter.unwrap(wire) == number, "\(wire)") }
        #expect(counter.highest == 128_304)
    }

    @Test("may go below its first value")
    func below() {
        var counter = WrappingCounter<UInt32>()
        #expect(counter.unwrap(5) == 5)
        #expect(counter.unwrap(.max) == -1)
        #expect(counter.peek(6) == 6)
        #expect(counter.highest == 5)
    }

    @Test("that is begun anew goes on above")
    func advance() {
        var counter = WrappingCounter<UInt16>()
        _ = counter.unwrap(50_000)
        #expect(counter.advance(to: 10) == 65_546)
        #expect(counter.advance(to: 10) == 131_082)
        #expect(counter.unwrap(11) == 131_083)
    }

    @Test("follows a walk of a million steps", arguments: 1...4 as ClosedRange<UInt64>)
    func walk(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var (counter, position) = (WrappingCounter<UInt16>(), Int64(random.next() >> 49))
        _ = counter.unwrap(UInt16(truncatingIfNeeded: position))
        var wrong = 0
        for _ in 0..<1_000_000 {
            let value = position + .random(in: -200...1000, using: &random)
            if counter.unwrap(UInt16(truncatingIfNeeded: value)) != value { wrong += 1 }
            position = max(position, value)
        }
        #expect(wrong == 0, "seed \(seed)")
    }
}
