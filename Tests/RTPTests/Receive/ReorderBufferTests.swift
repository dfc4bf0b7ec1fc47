// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTP
import TestKit
import Testing

@Suite("A reorder buffer")
struct ReorderBufferTests {
    /// A buffer and what left it, as numbers; `-n` for n lost.
    struct Bench {
        var buffer: ReorderBuffer
        var left: [Int64] = []

        init(_ settings: ReorderSettings = ReorderSettings()) { buffer = ReorderBuffer(settings) }

        mutating func insert(_ number: UInt16, _ milliseconds: Int = 0) {
            let header = RTPHeader(payloadType: 96, sequenceNumber: number, timestamp: 0, source: 1)
            run { $0.insert(RTPPacket(header: header, payload: [1]), now: .milliseconds(milliseconds), into: &$1) }
        }

        mutating func repair(_ number: UInt16, _ milliseconds: Int = 0) {
            let header = RTPHeader(payloadType: 96, sequenceNumber: number, timestamp: 0, source: 1)
            run {
                _ = $0.insert(
                    repair: RTPPacket(header: header, payload: [1]), now: .milliseconds(milliseconds), into: &$1)
            }
        }

        mutating func tick(_ milliseconds: Int) { run { $0.tick(now: .milliseconds(milliseconds), into: &$1) } }

        private mutating func run(_ body: (inout ReorderBuffer, inout [ReorderBuffer.Output]) -> Void) {
            var output: [ReorderBuffer.Output] = []
            body(&buffer, &output)
            for item in output {
                switch item {
                case .lost(let count): left.append(-count)
                case .packet(let packet, let sequence):
                    precondition(packet.header.sequenceNumber == UInt16(truncatingIfNeeded: sequence), "\(sequence)")
                    left.append(sequence)
                }
            }
        }
    }

    @Test("lets packets out in order, over a wrap")
    func order() {
        var bench = Bench()
        for number in [65_533, 65_535, 65_534, 1, 0, 0, 65_533, 2] as [UInt16] { bench.insert(number) }
        #expect(bench.left == [65_533, 65_534, 65_535, 65_536, 65_537, 65_538])
        #expect(bench.buffer.counters.duplicates + bench.buffer.counters.late == 2)
        #expect(bench.buffer.nextDeadline == nil)
        #expect(bench.buffer.count == 0)
    }

    @Test("waits for no more packets than it may hold, however numbers jump")
    func jumps() {
        var bench = Bench()
        for step in 0..<500 {
            bench.insert(UInt16(truncatingIfNeeded: step * 1000), step)
            #expect(bench.buffer.count <= 1)
        }
        #expect(bench.left.filter { $0 >= 0 } == (0..<499).map { Int64($0) * 1000 })
        #expect(bench.buffer.counters.lost == 498 * 999)
    }

    @Test("gives up a hole when patience is over, and what comes then is late")
    func patience() {
        var bench = Bench()
        bench.insert(1)
        bench.insert(4, 100)
        bench.insert(7, 300)
        bench.tick(599)
        #expect(bench.left == [1])
        bench.tick(600)
        #expect(bench.left == [1, -2, 4])
        bench.insert(3, 610)
        bench.insert(5, 620)
        #expect(bench.left == [1, -2, 4, 5])
        bench.tick(800)
        #expect(bench.left == [1, -2, 4, 5, -1, 7])
        #expect(bench.buffer.counters.lost == 3)
        #expect(bench.buffer.counters.late == 1)
    }

    @Test("asks for what is missing after 10 ms, then every 40 ms or round trip, ten times")
    func requests() {
        var bench = Bench()
        bench.insert(10)
        bench.insert(13)
        #expect(bench.buffer.requests(now: .milliseconds(9)) == [])
        #expect(bench.buffer.nextDeadline == .milliseconds(10))
        #expect(bench.buffer.requests(now: .milliseconds(10)) == [11, 12])
        #expect(bench.buffer.nextDeadline == .milliseconds(50))
        bench.insert(11, 110)
        #expect(bench.buffer.roundTrip == .milliseconds(100))
        #expect(bench.buffer.requests(now: .milliseconds(109)) == [])
        var asked = 1
        for time in stride(from: 110, to: 3000, by: 10) where bench.buffer.requests(now: .milliseconds(time)) == [12] {
            asked += 1
        }
        #expect(asked == 10)
        bench.insert(12, 400)
        #expect(bench.buffer.roundTrip == .milliseconds(100))
        #expect(bench.left == [10, 11, 12, 13])
        #expect(bench.buffer.counters.recovered == 2)
    }

    @Test("asks for nothing where nobody promised to answer")
    func silent() {
        var bench = Bench(.withoutRequests)
        bench.insert(1)
        bench.insert(3)
        #expect(bench.buffer.requests(now: .seconds(1)) == [])
        #expect(bench.buffer.nextDeadline == .milliseconds(60))
        bench.tick(60)
        #expect(bench.left == [1, -1, 3])
    }

    @Test("begins anew after a jump ahead, and after many packets behind")
    func restarts() {
        var bench = Bench()
        bench.insert(1)
        bench.insert(3)
        bench.insert(5000)
        bench.insert(5001)
        #expect(bench.left == [1, -1, 3, -1, 5000, 5001])
        for number in 100..<170 as Range<UInt16> { bench.insert(number) }
        #expect(bench.left.dropFirst(6).first == -1)
        #expect(Array(bench.left.dropFirst(7)) == Array(65_699...65_705))
    }

    @Test("takes of what is sent again what is missing, and is moved by nothing else of it")
    func repairs() {
        var bench = Bench()
        bench.repair(9)
        #expect(bench.left.isEmpty)
        bench.insert(10)
        bench.insert(13)
        // What is left of another source, and old packets by which a sender probes its way.
        for number in [20_000, 40_000, 9, 10, 13, 14] as [UInt16] { bench.repair(number) }
        for number in 5000..<5100 as Range<UInt16> { bench.repair(number) }
        bench.repair(12)
        #expect(bench.left == [10])
        bench.repair(11)
        #expect(bench.left == [10, 11, 12, 13, 14])
        bench.insert(14)
        bench.insert(15)
        #expect(bench.left == [10, 11, 12, 13, 14, 15])
        #expect(bench.buffer.counters.lost == 0)
    }

    @Test("holds no more than its capacity")
    func capacity() {
        var settings = ReorderSettings()
        settings.capacity = 8
        var bench = Bench(settings)
        bench.insert(0)
        for number in 2..<30 as Range<UInt16> { bench.insert(number) }
        #expect(bench.left == [0, -1] + Array(2..<30))
    }

    @Test("loses, doubles and disorders nothing of its own", arguments: 0..<100 as Range<UInt64>)
    func random(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var settings = LinkSettings.losing(0.1)
        (settings.jitter, settings.duplication, settings.reordering) = (.milliseconds(10), 0.05, 0.05)
        var link = LinkModel(settings)
        var arrivals: [(Duration, UInt16)] = []
        let first = UInt16.random(in: 0...(.max), using: &random)
        for index in 0..<2000 as Range<UInt16> {
            let time = link.send(bytes: 100, now: .milliseconds(Int(index)), using: &random)
            for case .some(let arrival) in [time.first, time.second] { arrivals.append((arrival, first &+ index)) }
        }
        arrivals.sort { $0.0 < $1.0 }
        var bench = Bench()
        for (time, number) in arrivals {
            let milliseconds = Int(time / .milliseconds(1))
            bench.tick(milliseconds)
            bench.insert(number, milliseconds)
        }
        bench.tick(10_000)
        let packets = bench.left.filter { $0 > 0 }
        #expect(packets == packets.sorted(), "seed \(seed)")
        #expect(Set(packets).count == packets.count, "seed \(seed)")
        // What is overtaken before the first packet comes is late.
        let expected = Set(arrivals.map { $0.1 &- first }).filter { $0 >= (arrivals.first?.1 ?? first) &- first }
        #expect(packets.count == expected.count, "seed \(seed)")
        let lost = -bench.left.filter { $0 < 0 }.reduce(0, +)
        #expect(Int64(packets.count) + lost == (packets.last ?? 0) - (packets.first ?? 0) + 1, "seed \(seed)")
    }
}
