// SPDX-License-Identifier: Apache-2.0

import Media
import RTP
import TestKit
import Testing

@Suite("Reception counters")
struct ReceptionCountersTests {
    @Test("tell loss of the interval and of all time")
    func loss() {
        var counters = ReceptionCounters(timescale: .video)
        for sequence in (65_530..<65_630 as Range<Int64>) where sequence % 4 != 0 {
            counters.receive(sequence, timestamp: 0, now: .zero)
        }
        let sent = NTPTime(WallTime(milliseconds: 5))
        let report = counters.report(source: 9, lastReport: (sent, .seconds(1)), now: .milliseconds(1500))
        #expect(report.fractionLost == 64)  // 25 of 100
        #expect(report.lost == 25)
        #expect(report.highestSequence == 65_629)
        #expect(report.lastReport == sent.middle)
        #expect(report.sinceLastReport == 0x8000)
        for sequence in 65_630..<65_700 as Range<Int64> { counters.receive(sequence, timestamp: 0, now: .zero) }
        for _ in 0..<30 { counters.repair() }
        let next = counters.report(source: 9, lastReport: nil, now: .seconds(2))
        #expect(next.fractionLost == 0)
        #expect(next.lost == -5)
        #expect(next.lastReport == 0)
    }

    @Test("smooth jitter as RFC 3550 does")
    func jitter() {
        var counters = ReceptionCounters(timescale: .video)
        for index in 0..<400 as Range<Int64> {
            // Each second packet is 10 ms late: differences of 900 ticks.
            let late = index % 2 == 0 ? 0 : 10
            counters.receive(
                index, timestamp: UInt32(index * 3000), now: .microseconds(index * 33_333 + Int64(late) * 1000))
        }
        #expect((880...905).contains(counters.jitter))
    }

    @Test("begin anew after a jump")
    func jump() {
        var counters = ReceptionCounters(timescale: .video)
        counters.receive(5, timestamp: 0, now: .zero)
        counters.receive(60_000, timestamp: 0, now: .zero)
        #expect(counters.expected == 1)
        #expect(counters.report(source: 1, lastReport: nil, now: .zero).lost == 0)
    }
}

@Suite("An arrival log")
struct ArrivalLogTests {
    /// What feedback says of each number: arrival in milliseconds, nil where it is missing.
    private func told(_ feedback: TransportFeedback) -> [(UInt16, Double?)] {
        var time = TransportFeedback.referenceUnit * Int(feedback.reference)
        return feedback.deltas.enumerated().map { index, delta in
            if let delta { time += TransportFeedback.deltaUnit * Int(delta) }
            return (feedback.base &+ UInt16(index), delta == nil ? nil : time / .milliseconds(1))
        }
    }

    @Test("tells what came, what did not, and once only")
    func tells() throws {
        var log = ArrivalLog()
        #expect(log.isEmpty)
        for (number, time) in [(65_534, 1000), (65_535, 1010), (2, 1005), (1, 1030)] as [(UInt16, Int)] {
            log.receive(number, now: .milliseconds(time))
        }
        var feedback = log.feedback(sender: 1, media: 2)
        let first = try #require(feedback)
        #expect(told(first).map(\.0) == [65_534, 65_535, 0, 1, 2])
        #expect(told(first).map(\.1) == [1000, 1010, nil, 1030, 1005])
        #expect(first.count == 0)
        feedback = log.feedback(sender: 1, media: 2)
        #expect(feedback == nil)
        log.receive(5, now: .milliseconds(1100))
        feedback = log.feedback(sender: 1, media: 2)
        let second = try #require(feedback)
        #expect(told(second).map(\.0) == [3, 4, 5])
        #expect(second.count == 1)
        log.receive(4, now: .milliseconds(1200))
        feedback = log.feedback(sender: 1, media: 2)
        #expect(feedback.map { told($0).map(\.0) } == [4])
    }

    @Test("cuts feedback where a difference does not fit, and where a datagram is full")
    func cuts() throws {
        var log = ArrivalLog()
        log.receive(1, now: .seconds(1))
        log.receive(2, now: .seconds(20))
        for number in 3..<500 as Range<UInt16> { log.receive(number, now: .seconds(20) + .milliseconds(number)) }
        var bases: [UInt16] = []
        while let feedback = log.feedback(sender: 1, media: 2) {
            bases.append(feedback.base)
            #expect(write([.transportFeedback(feedback)]).count <= 940)
        }
        #expect(bases == [1, 2, 402])
    }

    @Test("survives any numbers, and stays small", arguments: 0..<50 as Range<UInt64>)
    func random(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var log = ArrivalLog()
        var number: UInt16 = 0
        for step in 0..<3000 {
            number &+= UInt16(
                truncatingIfNeeded: Int.random(in: 0..<20, using: &random) == 0 ? Int(random.next() >> 48) : 1)
            log.receive(number, now: .milliseconds(step))
            guard step % 50 == 0 else { continue }
            var told = 0
            while let feedback = log.feedback(sender: 1, media: 2) { told += feedback.deltas.count }
            #expect(told <= 2048, "seed \(seed)")
        }
    }
}
