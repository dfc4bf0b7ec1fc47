// SPDX-License-Identifier: Apache-2.0

import DelayLine
import TestKit
import Testing

@Suite("A delayed link") struct DelayedLinkTests {
    @Test("hands over each frame after its delay, and says when", arguments: [0, 1, 75_000, 2_000_000])
    func delays(microseconds: Int) {
        var random = SeededRandom(seed: 1)
        var link = DelayedLink<Int>(LinkSettings(delay: .microseconds(microseconds)))
        #expect(link.nextDeadline == nil)
        for number in 0..<3 { link.send(number, bytes: 100, now: .milliseconds(number), using: &random) }
        for number in 0..<3 {
            let due: Duration = .milliseconds(number) + .microseconds(microseconds)
            #expect(link.nextDeadline == due)
            #expect(link.receive(now: due - .nanoseconds(1)) == nil)
            #expect(link.receive(now: due) == number)
        }
        #expect(link.nextDeadline == nil)
    }

    @Test("strays within its jitter and never lets a frame overtake another", arguments: [1, 2, 3] as [UInt64])
    func jitter(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var link = DelayedLink<Int>(LinkSettings(delay: .milliseconds(25), jitter: .milliseconds(5)))
        var delays: [Duration] = []
        for number in 0..<1000 {
            link.send(number, bytes: 100, now: .milliseconds(number * 20), using: &random)
            guard let due = link.nextDeadline else { return }
            delays.append(due - .milliseconds(number * 20))
            #expect(link.receive(now: due) == number, "seed \(seed)")
        }
        #expect(delays.allSatisfy { (.milliseconds(20)...(.milliseconds(30))).contains($0) }, "seed \(seed)")
        #expect(
            (delays.min() ?? .zero) < .milliseconds(21) && (delays.max() ?? .zero) > .milliseconds(29), "seed \(seed)")

        for number in 0..<1000 { link.send(number, bytes: 100, now: .seconds(30), using: &random) }
        #expect((0..<1000).allSatisfy { link.receive(now: .seconds(31)) == $0 }, "seed \(seed)")
    }

    @Test("loses its share of frames", arguments: [0, 0.05, 0.25, 1])
    func loss(share: Double) {
        var random = SeededRandom(seed: 7)
        var link = DelayedLink<Int>(LinkSettings(loss: share))
        for number in 0..<10_000 { link.send(number, bytes: 100, now: .zero, using: &random) }
        var arrived = 0
        while link.receive(now: .zero) != nil { arrived += 1 }
        #expect(abs(Double(arrived) - 10_000 * (1 - share)) <= (share == 0 || share == 1 ? 0 : 150))
    }

    @Test("sends at its rate, and drops what would wait longer than its queue")
    func rate() {
        var random = SeededRandom(seed: 1)
        // A frame of 1250 bytes takes a millisecond.
        var link = DelayedLink<Int>(LinkSettings(delay: .milliseconds(10), rate: 10_000_000))
        for number in 0..<1000 { link.send(number, bytes: 1250, now: .zero, using: &random) }
        var dues: [Duration] = []
        while let due = link.nextDeadline, link.receive(now: due) != nil { dues.append(due) }
        #expect(dues == (1...201).map { .milliseconds(10 + $0) })
    }

    @Test("keeps the time of what is under way when its settings change")
    func change() {
        var random = SeededRandom(seed: 1)
        var link = DelayedLink<Int>(LinkSettings(delay: .milliseconds(75)))
        link.send(1, bytes: 100, now: .zero, using: &random)
        link.settings.delay = .milliseconds(5)
        link.send(2, bytes: 100, now: .zero, using: &random)
        #expect(link.receive(now: .milliseconds(74)) == nil)
        #expect(link.receive(now: .milliseconds(75)) == 1)
        #expect(link.receive(now: .milliseconds(75)) == 2)
    }
}
