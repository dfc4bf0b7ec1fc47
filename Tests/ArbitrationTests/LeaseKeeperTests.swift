// SPDX-License-Identifier: Apache-2.0

import Arbitration
import TestKit
import Testing

@Suite("A keeper of leases")
struct LeaseKeeperTests {
    /// What happens at a time, in milliseconds.
    enum Event: Hashable {
        case renewed(askedAt: Int)
        case failed(askedAt: Int)
        case heard
        case tick
    }

    @Test("is not fenced where nobody reaches the store, however long")
    func silence() {
        var keeper = LeaseKeeper(now: .zero)
        #expect(keeper.renewed(askedAt: .zero, now: .milliseconds(5)).isEmpty)
        for second in 1...600 { #expect(keeper.failed(askedAt: .seconds(second), now: .seconds(second)).isEmpty) }
        #expect(keeper.nextDeadline == nil)
        #expect(keeper.tick(now: .seconds(600)).isEmpty)
    }

    @Test(
        "decides by what came and when",
        arguments: [
            // Renewed late, but in time.
            ([(100, .heard), (1500, .heard), (2450, .renewed(askedAt: 2400)), (2600, .tick)], []),
            // Cut off alone: half a second before the lease ends.
            ([(100, .heard), (1200, .failed(askedAt: 1100)), (1500, .heard), (2499, .tick)], []),
            ([(100, .heard), (1200, .failed(askedAt: 1100)), (1500, .heard), (2500, .tick)], [.fence]),
            // The others' words are older than two seconds, or were never.
            ([(100, .heard), (1200, .failed(askedAt: 1100)), (2500, .tick)], []),
            ([(1200, .failed(askedAt: 1100)), (2500, .tick)], []),
            // The others' words are from before the store died for all, or were under way then.
            ([(900, .heard), (1000, .failed(askedAt: 1000)), (2600, .tick)], []),
            ([(100, .heard), (1200, .failed(askedAt: 1100)), (1349, .heard), (2600, .tick)], []),
            ([(100, .heard), (1200, .failed(askedAt: 1100)), (1350, .heard), (2600, .tick)], [.fence]),
            (
                [(900, .heard), (1000, .failed(askedAt: 1000)), (2100, .failed(askedAt: 2000)), (2600, .heard)],
                [.fence]
            ),
            // Long after its end: the store has just come back, perhaps; ask, and do not believe the first failure.
            ([(1000, .failed(askedAt: 1000)), (9000, .heard), (9000, .tick)], [.ask]),
            ([(1000, .failed(askedAt: 1000)), (9000, .heard), (9010, .renewed(askedAt: 9005))], [.ask]),
            (
                [(1000, .failed(askedAt: 1000)), (9000, .heard), (9500, .failed(askedAt: 9000)), (10_500, .tick)],
                [.ask]
            ),
            ([(1000, .failed(askedAt: 1000)), (9000, .heard), (10_500, .failed(askedAt: 10_000))], [.ask, .fence]),
            // Back again, or nobody reaches it any more.
            (
                [
                    (100, .heard), (1500, .failed(askedAt: 1100)), (2050, .heard), (2500, .tick),
                    (2600, .renewed(askedAt: 2550)),
                ],
                [.fence, .unfence]
            ),
            (
                [
                    (100, .heard), (1500, .failed(askedAt: 1100)), (2050, .heard), (2500, .tick), (4049, .tick),
                    (4050, .tick),
                ],
                [.fence, .unfence]
            ),
        ] as [([(Int, Event)], [LeaseKeeper.Directive])])
    func table(events: [(Int, Event)], wanted: [LeaseKeeper.Directive]) {
        var keeper = LeaseKeeper(now: .zero)
        _ = keeper.renewed(askedAt: .zero, now: .milliseconds(1))
        #expect(events.flatMap { feed($0.1, at: .milliseconds($0.0), to: &keeper) } == wanted)
    }

    @Test("says when time alone will change its mind")
    func deadlines() {
        var keeper = LeaseKeeper(now: .zero)
        #expect(keeper.nextDeadline == nil)
        _ = keeper.heard(now: .zero)
        #expect(keeper.nextDeadline == nil)
        _ = keeper.failed(askedAt: .seconds(1), now: .seconds(1))
        #expect(keeper.nextDeadline == nil, "the others' word does not last until then")
        _ = keeper.heard(now: .milliseconds(1500))
        #expect(keeper.nextDeadline == .milliseconds(2500))
        #expect(keeper.tick(now: .milliseconds(2500)) == [.fence])
        #expect(keeper.nextDeadline == .milliseconds(3500))
        #expect(keeper.tick(now: .milliseconds(3500)) == [.unfence])
    }

    @Test("is fenced only, and always, while the store may grant its terms to others", arguments: 0..<200)
    func property(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var keeper = LeaseKeeper(now: .zero)
        var model = Model()
        var now = 0
        for _ in 0..<400 {
            now += Int.random(in: 1...700, using: &random)
            // What is due comes at its time, or as late as the next event.
            while let due = keeper.nextDeadline, due <= .milliseconds(now) {
                #expect(!keeper.tick(now: due).isEmpty, "seed \(seed)")
            }
            let event: Event =
                switch Int.random(in: 0..<4, using: &random) {
                case 0: .renewed(askedAt: now - Int.random(in: 0...300, using: &random))
                case 1: .failed(askedAt: now - Int.random(in: 0...500, using: &random))
                case 2: .heard
                default: .tick
                }
            model.note(event, at: now)
            _ = feed(event, at: .milliseconds(now), to: &keeper)
            #expect(keeper.isFenced == model.mustFence(at: now), "seed \(seed), \(event) at \(now)")
        }
    }

    /// The rule, said from the whole history.
    private struct Model {
        var renewed = 0
        var failures: [Int] = []
        var reports: [Int] = []

        mutating func note(_ event: Event, at now: Int) {
            switch event {
            case .failed(let begin): failures.append(begin)
            case .heard: reports.append(now)
            case .renewed(let begin):
                renewed = max(renewed, begin)
                failures = []
            case .tick: break
            }
        }

        func mustFence(at now: Int) -> Bool {
            guard let last = reports.last, now < last + 2000, now >= renewed + 2500 else { return false }
            var since = last
            for report in reports.reversed() where since - report < 2000 { since = report }
            guard let newest = failures.last, let first = failures.min() else { return false }
            return newest >= since + 1000 && last >= first + 250
        }
    }

    private func feed(_ event: Event, at now: Duration, to keeper: inout LeaseKeeper) -> [LeaseKeeper.Directive] {
        switch event {
        case .failed(let begin): keeper.failed(askedAt: .milliseconds(begin), now: now)
        case .heard: keeper.heard(now: now)
        case .renewed(let begin): keeper.renewed(askedAt: .milliseconds(begin), now: now)
        case .tick: keeper.tick(now: now)
        }
    }
}
