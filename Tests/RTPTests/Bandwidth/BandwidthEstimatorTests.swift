// SPDX-License-Identifier: Apache-2.0

import RTP
import TestKit
import Testing

@Suite("A bandwidth estimator")
struct BandwidthEstimatorTests {
    /// Sends over a link of a rate for some seconds, at the estimate but no more than `offered` bits a second, and gives
    /// the estimate of each second.
    private func run(
        seconds: Int, seed: UInt64, loss: Double = 0, offered: Double, rate: (Int) -> Int
    ) -> [UInt64] {
        var random = SeededRandom(seed: seed)
        var settings = LinkSettings.losing(loss)
        (settings.delay, settings.jitter, settings.longestQueue) = (
            .milliseconds(30), .milliseconds(4), .milliseconds(300)
        )
        var link = LinkModel(settings)
        var (estimator, log) = (BandwidthEstimator(), ArrivalLog())
        var arrivals: [(at: Duration, number: UInt16)] = []
        var feedback: [(at: Duration, message: TransportFeedback)] = []
        var (number, credit, estimates) = (UInt16(0), 0.0, [UInt64]())
        for tick in 0..<seconds * 200 {
            let now = Duration.milliseconds(tick * 5)
            link.settings.rate = rate(tick / 200) / 8
            credit += min(offered, Double(estimator.bitsPerSecond)) / 200
            while credit >= 9600 {
                credit -= 9600
                estimator.sent(number, bytes: 1200, now: now)
                if let at = link.send(bytes: 1200, now: now, using: &random).first { arrivals.append((at, number)) }
                number &+= 1
            }
            for arrival in arrivals.filter({ $0.at <= now }).sorted(by: { $0.at < $1.at }) {
                log.receive(arrival.number, now: arrival.at)
            }
            arrivals.removeAll { $0.at <= now }
            if tick % 20 == 0, let message = log.feedback(sender: 1, media: 2) {
                feedback.append((now + .milliseconds(30), message))
            }
            for item in feedback where item.at <= now { estimator.receive(item.message, now: now) }
            feedback.removeAll { $0.at <= now }
            if tick % 200 == 199 { estimates.append(estimator.bitsPerSecond) }
        }
        return estimates
    }

    @Test(
        "finds the rate of a link, and stays near it", arguments: [500_000, 2_000_000, 5_000_000],
        1...3 as ClosedRange<UInt64>)
    func finds(rate: Int, seed: UInt64) {
        let estimates = run(seconds: 60, seed: seed, offered: 20_000_000) { _ in rate }
        let settled = estimates.suffix(30)
        let mean = settled.reduce(0, +) / UInt64(settled.count)
        #expect(Double(mean) > 0.6 * Double(rate), "seed \(seed): \(estimates)")
        #expect(Double(mean) < 1.2 * Double(rate), "seed \(seed): \(estimates)")
    }

    @Test("falls within three seconds when the link does", arguments: 1...3 as ClosedRange<UInt64>)
    func falls(seed: UInt64) {
        let estimates = run(seconds: 40, seed: seed, offered: 20_000_000) { $0 < 30 ? 3_000_000 : 600_000 }
        #expect(estimates[33] < 900_000, "seed \(seed): \(estimates)")
    }

    @Test(
        "leaves room for the next layer of a stream that is smaller than the link",
        arguments: 1...3 as ClosedRange<UInt64>)
    func room(seed: UInt64) {
        let estimates = run(seconds: 40, seed: seed, offered: 500_000) { _ in 5_000_000 }
        #expect(estimates.suffix(5).allSatisfy { $0 > 1_500_000 && $0 < 2_300_000 }, "seed \(seed): \(estimates)")
    }

    @Test("is what the viewer says where that falls or lags, grows to the goal where not, and does not grow with loss")
    func told() {
        var estimator = BandwidthEstimator()
        estimator.goal = 600_000
        var second = 0
        func tell(_ bits: UInt64, _ seconds: Int, sending: Int, loss: UInt8 = 0) -> UInt64 {
            for _ in 0..<seconds {
                for step in 0..<10 {
                    estimator.sent(nil, bytes: sending / 80, now: .milliseconds(second * 1000 + step * 100))
                }
                second += 1
                estimator.receive(loss: loss, now: .seconds(second))
                estimator.receive(bits, now: .seconds(second))
            }
            return estimator.bitsPerSecond
        }
        #expect(tell(300_000, 1, sending: 200_000) == 300_000)
        #expect((320_000...330_000).contains(tell(300_000, 1, sending: 200_000)))
        #expect(tell(300_000, 20, sending: 200_000) == 600_000)
        #expect(tell(250_000, 1, sending: 200_000) == 250_000)
        #expect(tell(250_000, 20, sending: 200_000) == 600_000)
        // The larger layer is too much, though nothing falls.
        #expect(tell(250_000, 2, sending: 500_000) == 600_000)
        #expect(tell(250_000, 3, sending: 500_000) == 250_000)
        #expect(tell(400_000, 1, sending: 200_000) == 400_000)
        #expect(tell(400_000, 5, sending: 200_000, loss: 128) < 200_000)
        #expect(tell(400_000, 2, sending: 200_000) < 200_000)
        #expect(tell(400_000, 1, sending: 200_000) == 400_000)
    }

    @Test("falls with heavy loss, and not with a little", arguments: 1...3 as ClosedRange<UInt64>)
    func loss(seed: UInt64) {
        let heavy = run(seconds: 30, seed: seed, loss: 0.2, offered: 20_000_000) { _ in 50_000_000 }
        #expect((heavy.last ?? 0) < 500_000, "seed \(seed): \(heavy)")
        let light = run(seconds: 30, seed: seed, loss: 0.01, offered: 20_000_000) { _ in 50_000_000 }
        #expect((light.last ?? 0) > 2_000_000, "seed \(seed): \(light)")
    }
}
