// SPDX-License-Identifier: Apache-2.0

import OTLP
import Objects
import TestKit
import Testing
import Traces

@Suite("The spans that wait for a collector")
struct SpanExportSessionTests {
    private var session: SpanExportSession
    private var random = SeededRandom(seed: 1)

    init() {
        var settings = SpanExportSettings()
        settings.queue = 10
        settings.batch = 4
        settings.linger = .seconds(1)
        settings.attempts = 3
        session = SpanExportSession(settings)
    }

    private func span(_ number: UInt64) throws -> SpanRecord {
        let context = TraceContext(
            trace: try #require(TraceID(high: 1, low: 1)), span: try #require(SpanID(number: number)))
        return SpanRecord(
            "s", .internal, context, parent: nil, from: TraceTime(nanoseconds: 1), to: TraceTime(nanoseconds: 2))
    }

    private mutating func offer(_ numbers: ClosedRange<UInt64>, at now: Duration) throws {
        for number in numbers { session.offer(try span(number), now: now) }
    }

    private static func numbers(_ batch: [SpanRecord]?) -> [UInt64]? { batch?.map(\.context.span.number) }

    private mutating func answer(_ answer: ExportAnswer, at now: Duration) {
        session.answered(answer, now: now, using: &random)
    }

    @Test("go when the oldest has lingered, or when a batch is full")
    mutating func gathers() throws {
        #expect(session.nextDeadline == nil)
        try offer(1...2, at: .seconds(5))
        #expect(session.nextDeadline == .seconds(6))
        #expect(session.next(now: .milliseconds(5999)) == nil)
        try offer(3...6, at: .milliseconds(5500))
        #expect(Self.numbers(session.next(now: .milliseconds(5500))) == [1, 2, 3, 4])
        #expect(session.nextDeadline == nil)
        #expect(session.next(now: .seconds(60)) == nil, "one batch at a time")
        answer(.accepted(rejected: 0), at: .seconds(6))
        #expect(session.next(now: .milliseconds(6999)) == nil)
        #expect(Self.numbers(session.next(now: .seconds(7))) == [5, 6])
        answer(.accepted(rejected: 1), at: .seconds(7))
        #expect(session.nextDeadline == nil)
        let counters = session.takeCounters()
        #expect(counters.exported == 5 && counters.refused == 1 && counters.unsent == 0 && counters.withoutRoom == 0)
        #expect(session.takeCounters() == SpanCounters())
    }

    @Test("are bounded: what finds no room is dropped and counted, also while a batch is on its way")
    mutating func bounded() throws {
        try offer(1...10, at: .zero)
        #expect(session.next(now: .zero)?.count == 4)
        try offer(11...15, at: .zero)
        #expect(session.takeCounters().withoutRoom == 5)
        answer(.accepted(rejected: 0), at: .zero)
        try offer(16...17, at: .zero)
        #expect(Self.numbers(session.next(now: .zero)) == [5, 6, 7, 8])
        answer(.accepted(rejected: 0), at: .zero)
        #expect(Self.numbers(session.next(now: .zero)) == [9, 10, 16, 17])
        #expect(session.takeCounters().withoutRoom == 0)
    }

    @Test("are tried again after a rest that is asked for, and dropped after so many attempts")
    mutating func retries() throws {
        try offer(1...4, at: .zero)
        #expect(session.next(now: .zero) != nil)
        answer(.later(.seconds(9)), at: .seconds(1))
        #expect(session.nextDeadline == .seconds(10))
        #expect(session.next(now: .milliseconds(9999)) == nil)
        #expect(Self.numbers(session.next(now: .seconds(10))) == [1, 2, 3, 4])
        answer(.later(nil), at: .seconds(10))
        let deadline = try #require(session.nextDeadline)
        #expect(deadline >= .seconds(10) && deadline <= .milliseconds(10_200))
        try offer(5...5, at: .seconds(10))
        #expect(session.next(now: deadline)?.count == 4)
        answer(.later(nil), at: deadline)
        #expect(session.takeCounters().unsent == 4)
        #expect(Self.numbers(session.next(now: deadline + .seconds(1))) == [5])
    }

    @Test("that a collector will never take are dropped at once")
    mutating func refused() throws {
        try offer(1...5, at: .zero)
        #expect(session.next(now: .zero)?.count == 4)
        answer(.refused, at: .zero)
        #expect(session.takeCounters().refused == 4)
        #expect(Self.numbers(session.next(now: .seconds(1))) == [5])
    }

    @Test("are due at once when the node ends, and counted when nobody will send them")
    mutating func closes() throws {
        try offer(1...2, at: .seconds(5))
        session.close()
        #expect(session.nextDeadline == .seconds(5))
        #expect(Self.numbers(session.next(now: .seconds(5))) == [1, 2])
        try offer(3...3, at: .seconds(5))
        session.abandon()
        #expect(session.takeCounters().unsent == 3)
        #expect(session.nextDeadline == nil)
        answer(.accepted(rejected: 0), at: .seconds(6))
        #expect(session.takeCounters() == SpanCounters())
    }

    @Test("are each exported once or counted, whatever the collector says", arguments: 0..<50)
    mutating func accounted(seed: UInt64) throws {
        var chance = SeededRandom(seed: seed)
        var (now, offered, counters) = (Duration.zero, 0, SpanCounters())
        func add(_ more: SpanCounters) {
            counters.exported += more.exported
            counters.refused += more.refused
            counters.unsent += more.unsent
            counters.withoutRoom += more.withoutRoom
        }
        for _ in 0..<400 {
            now += .milliseconds(Int.random(in: 0...300, using: &chance))
            for _ in 0..<Int.random(in: 0...3, using: &chance) {
                offered += 1
                session.offer(try span(UInt64(offered)), now: now)
            }
            guard let batch = session.next(now: now) else { continue }
            #expect((1...4).contains(batch.count))
            let answers: [ExportAnswer] = [
                .accepted(rejected: 0), .accepted(rejected: 9), .later(nil), .later(.seconds(1)), .refused,
            ]
            session.answered(answers.randomElement(using: &chance) ?? .refused, now: now, using: &chance)
        }
        add(session.takeCounters())
        session.abandon()
        add(session.takeCounters())
        let sum = counters.exported + counters.refused + counters.unsent + counters.withoutRoom
        #expect(sum == offered, "seed \(seed)")
    }
}
