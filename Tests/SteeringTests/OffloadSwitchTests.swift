// SPDX-License-Identifier: Apache-2.0

import Steering
import TestKit
import Testing

@Suite("The switch to a CDN")
struct OffloadSwitchTests {
    @Test(
        "follows its mode",
        arguments: [(.never, 1_000_000, 9, false), (.always, 0, 0, true)]
            as [(OffloadSettings.Mode, Int, Double, Bool)])
    func modes(mode: OffloadSettings.Mode, viewers: Int, use: Double, isOn: Bool) {
        var settings = OffloadSettings()
        settings.mode = mode
        var offload = OffloadSwitch()
        offload.update(viewers: viewers, use: use, settings: settings, now: .zero)
        #expect(offload.isOn == isOn)
    }

    @Test(
        "goes on at either threshold, at once",
        arguments: [
            (99, 0.69, false), (100, 0, true), (0, 0.7, true), (99, 0.7, true), (1000, 5, true), (0, 0, false),
        ] as [(Int, Double, Bool)])
    func thresholds(viewers: Int, use: Double, isOn: Bool) {
        var offload = OffloadSwitch()
        #expect(offload.update(viewers: viewers, use: use, settings: Self.settings, now: .seconds(5)) == isOn)
        #expect(offload.isOn == isOn)
    }

    @Test("goes off only when both measures were low for a whole calm")
    func calm() {
        var offload = OffloadSwitch()
        offload.update(viewers: 100, use: 0, settings: Self.settings, now: .zero)
        // At three quarters of a threshold it is not calm yet.
        for second in 1...100 { offload.update(viewers: 75, use: 0, settings: Self.settings, now: .seconds(second)) }
        #expect(offload.isOn)
        for second in 101...109 { offload.update(viewers: 74, use: 0, settings: Self.settings, now: .seconds(second)) }
        offload.update(viewers: 0, use: 0.6, settings: Self.settings, now: .seconds(110))
        for second in 111...120 { offload.update(viewers: 0, use: 0, settings: Self.settings, now: .seconds(second)) }
        #expect(offload.isOn)
        let isNews = offload.update(viewers: 0, use: 0, settings: Self.settings, now: .seconds(121))
        #expect(isNews)
        #expect(!offload.isOn)
    }

    @Test("waits longer each time that going on brought the calm by itself")
    func feedback() {
        var offload = OffloadSwitch()
        var changes: [Int] = []
        for second in 0..<2000 {
            // What the CDN serves, the edges do not.
            let use = offload.isOn ? 0.1 : 0.9
            if offload.update(viewers: 0, use: use, settings: Self.settings, now: .seconds(second)) {
                changes.append(second)
            }
        }
        let spans = zip(changes.dropFirst(), changes).map { $0 - $1 }
        // On for 10, 20, 40, 80 and then for 160 seconds each, and off for one.
        #expect(spans.prefix(9).map { $0 } == [11, 1, 21, 1, 41, 1, 81, 1, 161])
        #expect(spans.dropFirst(9).allSatisfy { $0 == 1 || $0 == 161 })
    }

    @Test("forgets its patience when it was off for long")
    func forgiving() {
        var offload = OffloadSwitch()
        var now = 0
        func run(_ seconds: Int, _ use: Double) -> Int {
            (0..<seconds).reduce(0) { count, _ in
                now += 1
                let isChange = offload.update(viewers: 0, use: use, settings: Self.settings, now: .seconds(now))
                return count + (isChange ? 1 : 0)
            }
        }
        #expect(run(1, 1) + run(11, 0) == 2)
        #expect(run(1, 1) + run(11, 0) == 1)
        #expect(run(10, 0) == 1)
        #expect(run(60, 0) == 0)
        #expect(run(1, 1) + run(11, 0) == 2)
    }

    @Test("never flaps, whatever is measured", arguments: 0..<50 as Range<UInt64>)
    func property(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var offload = OffloadSwitch()
        var wentOn: Duration?
        var turns = 0
        for second in 0..<3600 {
            let (viewers, use) = (Int.random(in: 0...160, using: &random), Double.random(in: 0...1, using: &random))
            let quiet = seed % 2 == 0 && second / 100 % 2 == 0
            let now = Duration.seconds(second)
            guard
                offload.update(
                    viewers: quiet ? 0 : viewers, use: quiet ? 0 : use, settings: Self.settings, now: now)
            else { continue }
            turns += 1
            if offload.isOn {
                wentOn = now
            } else {
                #expect(now - (wentOn ?? now) >= Self.settings.calm, "seed \(seed)")
            }
        }
        #expect(turns <= 2 * 3600 / 10, "seed \(seed)")
    }

    private static let settings: OffloadSettings = {
        var settings = OffloadSettings()
        settings.mode = .load
        settings.viewers = 100
        settings.use = 0.7
        settings.calm = .seconds(10)
        return settings
    }()
}
