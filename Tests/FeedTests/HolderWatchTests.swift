// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Testing

@Suite("A watch over holders")
struct HolderWatchTests {
    private static let holders = ["one", "two"].compactMap { NodeID(parsing: $0) }
    private var watch = HolderWatch()

    private func questionable(_ now: Int) -> [NodeID] { watch.questionable(now: .milliseconds(now)).sorted() }

    private func lost(asked: Int, _ now: Int) -> [NodeID] {
        watch.lost(askedAt: .milliseconds(asked), now: .milliseconds(now)).sorted()
    }

    private mutating func append(before end: UInt64, _ now: Int) {
        watch.appended(before: end, now: .milliseconds(now))
    }

    private mutating func acknowledge(before number: UInt64, of end: UInt64, by holder: Int = 0, _ now: Int) {
        watch.acknowledged(before: number, of: end, by: Self.holders[holder], now: .milliseconds(now))
    }

    private mutating func join(_ holder: Int = 0, before number: UInt64 = 0, of end: UInt64 = 0, _ now: Int = 0) {
        watch.add(Self.holders[holder], holdingBefore: number, end: end, now: .milliseconds(now))
    }

    private mutating func misses(_ standby: NodeID?, _ now: Int) -> Bool {
        watch.isMissing(standby, now: .milliseconds(now))
    }

    @Test("counts from the first record that is owed, not from the last that was acknowledged")
    mutating func firstDebt() {
        join()
        #expect(questionable(60_000).isEmpty)
        append(before: 1, 60_000)
        append(before: 2, 60_100)
        #expect(questionable(60_399).isEmpty && questionable(60_400) == [Self.holders[0]])
        acknowledge(before: 2, of: 2, 60_450)
        #expect(questionable(200_000).isEmpty)
    }

    @Test("counts anew from each acknowledgement of more, and from none of the same")
    mutating func progress() {
        join()
        append(before: 10, 0)
        acknowledge(before: 3, of: 10, 300)
        #expect(questionable(699).isEmpty)
        acknowledge(before: 3, of: 10, 500)
        acknowledge(before: 2, of: 10, 500)
        #expect(questionable(700) == [Self.holders[0]])
    }

    @Test("lets who answers be, until it has acknowledged nothing for a second and a half")
    mutating func debt() {
        join()
        append(before: 1, 0)
        var asked = 400
        while asked < 1500 {
            #expect(questionable(asked) == [Self.holders[0]] && questionable(asked - 1).isEmpty)
            watch.answered(Self.holders[0], now: .milliseconds(asked + 10))
            #expect(lost(asked: asked, asked + 20).isEmpty)
            asked += 410
        }
        #expect(questionable(1500) == [Self.holders[0]] && lost(asked: 1500, 1510) == [Self.holders[0]])
    }

    @Test("gives up who says nothing between question and answer, and whoever acknowledges meanwhile stays")
    mutating func silence() {
        join(0)
        join(1)
        append(before: 5, 0)
        append(before: 9, 390)
        #expect(questionable(400) == Self.holders)
        acknowledge(before: 5, of: 9, by: 1, 650)
        #expect(lost(asked: 400, 700) == [Self.holders[0]])
        watch.remove(Self.holders[0])
        #expect(questionable(1049).isEmpty && questionable(1050) == [Self.holders[1]])
    }

    @Test("misses a standby that is named and does not join, every three seconds, and none that nobody named")
    mutating func missing() {
        let standby = Self.holders[0]
        let times = (0..<100).filter { misses(standby, $0 * 100) }
        #expect(times == [30, 60, 90])
        let (unnamed, named) = (misses(nil, 20_000), misses(standby, 21_000))
        #expect(!unnamed && !named)
        join()
        let joined = misses(standby, 30_000)
        watch.remove(standby)
        let (lost, later) = (misses(standby, 31_000), misses(standby, 34_000))
        #expect(!joined && !lost && later)
    }

    @Test("begins with what a holder lacks when it joins")
    mutating func joining() {
        join(0, before: 7, of: 7)
        join(1, before: 5, of: 7)
        #expect(questionable(400) == [Self.holders[1]])
        join(1, before: 7, of: 7, 500)
        #expect(questionable(5000).isEmpty)
        acknowledge(before: 99, of: 7, by: 0, 5000)
        append(before: 8, 5000)
        #expect(questionable(5400) == [Self.holders[1]])
    }
}
