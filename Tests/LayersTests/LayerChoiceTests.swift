// SPDX-License-Identifier: Apache-2.0

import Layers
import RTP
import TestKit
import Testing

@Suite("A choice of layers")
struct LayerChoiceTests {
    private static let offers = [
        LayerOffer(layer: 1, bitsPerSecond: 150_000), LayerOffer(layer: 3, bitsPerSecond: 500_000),
        LayerOffer(layer: 4, bitsPerSecond: 1_500_000),
    ]

    @Test(
        "begins with the largest layer that the way carries",
        arguments: [
            (nil, 4), (10_000_000, 4), (1_500_000, 4), (1_499_999, 3), (500_000, 3), (400_000, 1), (10_000, 1),
        ] as [(UInt64?, UInt8)])
    func begins(estimate: UInt64?, layer: UInt8) {
        var choice = LayerChoice()
        #expect(choice.choose(among: [], estimate: estimate, now: .zero) == nil)
        #expect(choice.choose(among: Self.offers, estimate: estimate, now: .zero) == layer)
    }

    @Test("falls at once to what the way carries, and not for less than a fifth")
    func falls() {
        var choice = LayerChoice()
        choice.choose(among: Self.offers, estimate: nil, now: .zero)
        #expect(choice.choose(among: Self.offers, estimate: 1_300_000, now: .seconds(1)) == 4)
        #expect(choice.choose(among: Self.offers, estimate: 1_190_000, now: .seconds(2)) == 3)
        #expect(choice.choose(among: Self.offers, estimate: 100_000, now: .seconds(3)) == 1)
        #expect(choice.choose(among: Self.offers, estimate: 1, now: .seconds(4)) == 1)
    }

    @Test("rises layer by layer after two seconds, and waits longer after each try that failed")
    func rises() {
        var choice = LayerChoice()
        choice.choose(among: Self.offers, estimate: 100_000, now: .zero)
        var (now, waits) = (Duration.zero, [Duration]())
        for _ in 0..<7 {
            let since = now
            while choice.choose(among: Self.offers, estimate: 600_000, now: now) == 1 { now += .milliseconds(100) }
            waits.append(now - since)
            now += .seconds(1)
            #expect(choice.choose(among: Self.offers, estimate: 300_000, now: now) == 1)
            now += .milliseconds(100)
        }
        #expect(waits == [2, 10, 20, 40, 60, 60, 60].map { .seconds($0) })
        // What holds for a minute is forgiven.
        while choice.choose(among: Self.offers, estimate: 600_000, now: now) == 1 { now += .milliseconds(100) }
        now += .seconds(70)
        #expect(choice.choose(among: Self.offers, estimate: 2_000_000, now: now) == 3)
        #expect(choice.choose(among: Self.offers, estimate: 2_000_000, now: now + .seconds(2)) == 4)
    }

    @Test("goes to the next layer that is there when its own has gone, and comes back")
    func gone() {
        var choice = LayerChoice()
        choice.choose(among: Self.offers, estimate: 5_000_000, now: .zero)
        let rest = Array(Self.offers.dropLast())
        #expect(choice.choose(among: rest, estimate: 5_000_000, now: .seconds(1)) == 3)
        #expect(choice.choose(among: [], estimate: 5_000_000, now: .seconds(2)) == 3)
        #expect(choice.choose(among: Self.offers, estimate: 5_000_000, now: .seconds(3)) == 3)
        #expect(choice.choose(among: Self.offers, estimate: 5_000_000, now: .seconds(5)) == 4)
    }

    @Test("gives the viewer what it asks for while that is there, whatever the way carries")
    func wish() {
        var choice = LayerChoice()
        choice.wish = 4
        #expect(choice.choose(among: Self.offers, estimate: 10_000, now: .zero) == 4)
        let rest = Array(Self.offers.dropLast())
        #expect(choice.choose(among: rest, estimate: 10_000, now: .seconds(1)) == 1)
        #expect(choice.choose(among: Self.offers, estimate: 10_000, now: .seconds(2)) == 4)
        choice.wish = nil
        #expect(choice.choose(among: Self.offers, estimate: 10_000, now: .seconds(3)) == 1)
    }

    @Test(
        "follows a link down within four seconds and up within a minute, and settles between two layers",
        arguments: 1...5 as ClosedRange<UInt64>)
    func link(seed: UInt64) {
        var way = LayeredWay(seed: seed, offers: Self.offers)
        way.run(seconds: 20) { _ in 4_000_000 }
        #expect(way.layers.last == 4, "seed \(seed): \(way.layers)")
        #expect(way.changes == 0, "seed \(seed)")
        way.run(seconds: 4) { _ in 350_000 }
        #expect(way.layers.last == 1, "seed \(seed): \(way.layers)")
        way.run(seconds: 60) { _ in 4_000_000 }
        #expect(way.layers.last == 4, "seed \(seed): \(way.layers)")
        way.run(seconds: 4) { _ in 350_000 }
        way.changes = 0
        way.run(seconds: 60) { _ in 350_000 }
        #expect(way.changes <= 4, "seed \(seed): \(way.changes) changes on a link that does not change")
        way.run(seconds: 120) { _ in 350_000 }
        way.changes = 0
        way.run(seconds: 60) { _ in 350_000 }
        #expect(way.changes <= 2, "seed \(seed): \(way.changes) changes three minutes later")
        // Each of the two steps up waits for as long as the last failures have earned.
        way.run(seconds: 150) { _ in 4_000_000 }
        #expect(way.layers.last == 4, "seed \(seed): \(way.layers)")
        way.changes = 0
        way.run(seconds: 60) { _ in 4_000_000 }
        #expect(way.changes == 0, "seed \(seed)")
    }
}

@Suite("A choice among layers that are far apart")
struct DistantLayersTests {
    /// As Chromium sends 180p, 360p and 1080p.
    private static let offers = [
        LayerOffer(layer: 1, bitsPerSecond: 100_000), LayerOffer(layer: 3, bitsPerSecond: 500_000),
        LayerOffer(layer: 4, bitsPerSecond: 4_000_000),
    ]

    @Test("wants to know what the next larger one takes, and nothing where there is none or one is asked for")
    func goal() {
        var choice = LayerChoice()
        #expect(choice.goal(among: Self.offers) == nil)
        choice.choose(among: Self.offers, estimate: 100_000, now: .zero)
        #expect(choice.goal(among: Self.offers) == 600_000)
        #expect(choice.goal(among: []) == nil)
        choice.choose(among: Self.offers, estimate: nil, now: .zero)
        #expect(choice.goal(among: Self.offers) == nil)
        choice.choose(among: Self.offers, estimate: 100_000, now: .zero)
        #expect(choice.goal(among: Self.offers) == 600_000)
        choice.wish = 1
        #expect(choice.goal(among: Self.offers) == nil)
    }

    @Test("comes back to the largest when the way is good again", arguments: 1...5 as ClosedRange<UInt64>)
    func returns(seed: UInt64) {
        var way = LayeredWay(seed: seed, offers: Self.offers)
        way.run(seconds: 20) { _ in 12_000_000 }
        #expect(way.layers.last == 4, "seed \(seed): \(way.layers)")
        way.run(seconds: 8) { _ in 200_000 }
        #expect(way.layers.last == 1, "seed \(seed): \(way.layers)")
        way.run(seconds: 90) { _ in 12_000_000 }
        #expect(way.layers.last == 4, "seed \(seed): \(way.layers)")
    }
}

@Suite("A choice of layers for a viewer that only estimates")
struct EstimatingViewerTests {
    @Test("rises to the largest on a way that carries it, and settles on one that does not")
    func rises() {
        var way = EstimatingWay()
        way.run(seconds: 20, rate: 4_000_000)
        #expect(way.layers.last == 4 && way.changes == 0, "\(way.layers)")
        way.run(seconds: 8, rate: 350_000)
        #expect(way.layers.last == 1, "\(way.layers)")
        way.run(seconds: 60, rate: 4_000_000)
        #expect(way.layers.last == 4, "\(way.layers)")
        way.changes = 0
        way.run(seconds: 60, rate: 4_000_000)
        #expect(way.changes == 0, "\(way.layers)")
        way.run(seconds: 8, rate: 350_000)
        way.changes = 0
        way.run(seconds: 60, rate: 350_000)
        #expect(way.changes <= 6, "\(way.changes) changes on a link that does not change")
        way.run(seconds: 120, rate: 350_000)
        way.changes = 0
        way.run(seconds: 60, rate: 350_000)
        #expect(way.changes <= 2, "\(way.changes) changes three minutes later")
    }
}

/// A viewer that sends no feedback but its own estimate, as libwebrtc's receivers and aiortc's make it: 0.85 of what
/// arrives at most where a queue grows, else 8 % more a second, up to one and a half times what arrives.
private struct EstimatingWay {
    private(set) var layers: [UInt8] = []
    var changes = 0
    private let offers = [
        LayerOffer(layer: 1, bitsPerSecond: 150_000), LayerOffer(layer: 3, bitsPerSecond: 500_000),
        LayerOffer(layer: 4, bitsPerSecond: 1_500_000),
    ]
    private var estimator = BandwidthEstimator(bitsPerSecond: 2_250_000)
    private var choice = LayerChoice()
    private var estimate = 30_000_000.0
    private var tick = 0

    /// Sends over a way of so many bits a second, a tenth of a second at a time.
    mutating func run(seconds: Int, rate: Double) {
        for _ in 0..<seconds * 10 {
            let now = Duration.milliseconds(tick * 100)
            choose(now: now)
            let sent = Double(offers.first { $0.layer == choice.chosen }?.bitsPerSecond ?? 0)
            estimator.sent(nil, bytes: Int(sent / 80), now: now)
            if tick % 10 == 9 {
                let arriving = min(sent, rate)
                estimate =
                    sent > rate
                    ? min(estimate, 0.85 * arriving) : max(estimate, min(estimate * 1.08, 1.5 * arriving + 10_000))
                estimator.receive(UInt64(estimate), now: now)
            }
            tick += 1
        }
    }

    private mutating func choose(now: Duration) {
        let before = choice.chosen
        guard let layer = choice.choose(among: offers, estimate: estimator.bitsPerSecond, now: now) else { return }
        estimator.goal = choice.goal(among: offers) ?? 0
        if let before, before != layer { changes += 1 }
        layers.append(layer)
    }
}

@Suite("The rate of a layer")
struct LayerRateTests {
    @Test("is that of its pictures' times, however they come")
    func rate() {
        var rate = LayerRate()
        #expect(!rate.isThere(at: .zero))
        for picture in 0...90 { rate.count(bytes: 1000, at: .milliseconds(picture * 40)) }
        #expect((190_000...210_000).contains(rate.bitsPerSecond), "\(rate.bitsPerSecond)")
        #expect(rate.isThere(at: .milliseconds(5600)))
        #expect(!rate.isThere(at: .milliseconds(5601)))
    }

    @Test("is missed soon where other layers go on, and not where nothing comes of any")
    func missed() {
        var rate = LayerRate()
        for picture in 0...90 { rate.count(bytes: 1000, at: .milliseconds(picture * 40)) }
        for _ in 0..<7 { rate.miss() }
        #expect(rate.isThere(at: .milliseconds(5600)))
        rate.miss()
        #expect(rate.isThere(at: .milliseconds(4100)))
        #expect(!rate.isThere(at: .milliseconds(4101)))
        rate.count(bytes: 1000, at: .milliseconds(4200))
        #expect(rate.isThere(at: .milliseconds(6200)))
    }

    @Test("begins anew where times jump")
    func jump() {
        var rate = LayerRate()
        for picture in 0...90 { rate.count(bytes: 1000, at: .milliseconds(picture * 40)) }
        rate.count(bytes: 1000, at: .zero)
        #expect(rate.newest == .zero)
        rate.count(bytes: 1000, at: .seconds(500))
        #expect(rate.newest == .seconds(500))
        #expect((190_000...210_000).contains(rate.bitsPerSecond), "\(rate.bitsPerSecond)")
    }
}

/// A viewer behind a seeded link that is sent the layer of its choice, in pictures of 25 a second.
private struct LayeredWay {
    private(set) var layers: [UInt8] = []
    var changes = 0
    private let offers: [LayerOffer]
    private var random: SeededRandom
    private var link: LinkModel
    private var estimator = BandwidthEstimator(bitsPerSecond: 2_250_000)
    private var log = ArrivalLog()
    private var choice = LayerChoice()
    private var arrivals: [(at: Duration, number: UInt16)] = []
    private var feedback: [(at: Duration, message: TransportFeedback)] = []
    private var number: UInt16 = 0
    private var tick = 0

    init(seed: UInt64, offers: [LayerOffer]) {
        self.offers = offers
        random = SeededRandom(seed: seed)
        var settings = LinkSettings()
        (settings.delay, settings.jitter, settings.longestQueue) = (
            .milliseconds(30), .milliseconds(4), .milliseconds(300)
        )
        link = LinkModel(settings)
    }

    mutating func run(seconds: Int, rate: (Int) -> Int) {
        for _ in 0..<seconds * 200 {
            let now = Duration.milliseconds(tick * 5)
            link.settings.rate = rate(tick / 200) / 8
            if tick % 20 == 0 { choose(now: now) }
            if tick % 8 == 0 { send(now: now) }
            receive(now: now)
            tick += 1
        }
    }

    private mutating func choose(now: Duration) {
        let before = choice.chosen
        guard let layer = choice.choose(among: offers, estimate: estimator.bitsPerSecond, now: now) else { return }
        estimator.goal = choice.goal(among: offers) ?? 0
        if let before, before != layer { changes += 1 }
        layers.append(layer)
    }

    private mutating func send(now: Duration) {
        guard let offer = offers.first(where: { $0.layer == choice.chosen }) else { return }
        var left = Int(offer.bitsPerSecond) / 8 / 25
        while left > 0 {
            let bytes = min(left, 1200)
            left -= bytes
            estimator.sent(number, bytes: bytes, now: now)
            if let at = link.send(bytes: bytes, now: now, using: &random).first { arrivals.append((at, number)) }
            number &+= 1
        }
    }

    private mutating func receive(now: Duration) {
        for arrival in arrivals.filter({ $0.at <= now }).sorted(by: { $0.at < $1.at }) {
            log.receive(arrival.number, now: arrival.at)
        }
        arrivals.removeAll { $0.at <= now }
        if tick % 20 == 0, let message = log.feedback(sender: 1, media: 2) {
            feedback.append((now + .milliseconds(30), message))
        }
        for item in feedback where item.at <= now { estimator.receive(item.message, now: now) }
        feedback.removeAll { $0.at <= now }
    }
}
