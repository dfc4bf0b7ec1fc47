// SPDX-License-Identifier: Apache-2.0

import Media
import RTP
import TestKit
import Testing

@Suite("The order of layers")
struct LayerOrderTests {
    private static let layers = [TrackID.video, TrackID(3), TrackID(4)]

    private func order() -> LayerOrder {
        var order = LayerOrder(Self.layers)
        for (index, pixels) in [921_600, 230_400, 57_600].enumerated() {
            order.learn(Self.layers[index], pixels: UInt64(pixels))
        }
        return order
    }

    private func unit(_ layer: Int, _ ticks: Int64) -> AccessUnit {
        AccessUnit(
            track: Self.layers[layer], decodeTime: MediaTime(ticks: ticks, timescale: .video), isRandomAccess: false,
            payload: [])
    }

    private func describe(_ units: [AccessUnit]) -> [String] {
        units.map { "\($0.track.number)@\($0.decodeTime.ticks)" }
    }

    @Test("is that of their moments, the smallest first, once every layer that sends has come so far")
    func moments() {
        var (order, units) = (order(), [AccessUnit]())
        order.append(unit(0, 0), now: .zero, into: &units)
        order.append(unit(1, 5), now: .zero, into: &units)
        order.append(unit(2, 3), now: .zero, into: &units)
        order.tick(now: .milliseconds(100), into: &units)
        #expect(describe(units) == ["1@0", "4@3", "3@5"])
        units = []
        order.append(unit(0, 9003), now: .milliseconds(101), into: &units)
        order.append(unit(0, 12_003), now: .milliseconds(110), into: &units)
        order.append(unit(1, 9000), now: .milliseconds(111), into: &units)
        #expect(units.isEmpty)
        order.append(unit(2, 9005), now: .milliseconds(115), into: &units)
        #expect(describe(units) == ["4@9005", "3@9000", "1@9003"])
        #expect(order.nextDeadline == .milliseconds(210))
    }

    @Test("waits 100 ms for a layer that is late, and not at all for one that stopped")
    func late() {
        var (order, units) = (order(), [AccessUnit]())
        for layer in 0..<3 { order.append(unit(layer, 0), now: .zero, into: &units) }
        order.tick(now: .milliseconds(100), into: &units)
        units = []
        order.append(unit(2, 9000), now: .milliseconds(101), into: &units)
        order.append(unit(1, 9000), now: .milliseconds(101), into: &units)
        order.tick(now: .milliseconds(200), into: &units)
        #expect(units.isEmpty)
        order.tick(now: .milliseconds(201), into: &units)
        #expect(describe(units) == ["4@9000", "3@9000"])
        #expect(order.nextDeadline == nil)
        units = []
        order.append(unit(2, 30_000), now: .milliseconds(250), into: &units)
        order.append(unit(1, 30_000), now: .milliseconds(251), into: &units)
        #expect(describe(units) == ["4@30000", "3@30000"])
    }

    @Test(
        "loses nothing, doubles nothing, and holds nothing for longer than it says", arguments: 0..<50 as Range<UInt64>)
    func anything(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var (order, sent, came) = (order(), [(at: Duration, unit: AccessUnit)](), [String: Duration]())
        for picture in 0..<300 {
            for layer in 0..<3 where !LinkModel.chance(0.1, using: &random) {
                let late = Duration.milliseconds(
                    Int.random(in: 0...(seed.isMultiple(of: 2) ? 20 : 200), using: &random))
                let ticks = Int64(picture * 3000 + Int.random(in: -200...200, using: &random))
                sent.append((.milliseconds(picture * 33) + late, unit(layer, ticks)))
            }
        }
        for item in sent { came[describe([item.unit])[0]] = item.at }
        var (passed, next, now) = ([String](), 0, Duration.zero)
        let inOrder = sent.sorted { $0.at < $1.at }
        while now < .seconds(12) {
            var units: [AccessUnit] = []
            while next < inOrder.count, inOrder[next].at <= now {
                order.append(inOrder[next].unit, now: inOrder[next].at, into: &units)
                next += 1
            }
            order.tick(now: now, into: &units)
            for name in describe(units) {
                let waited = now - (came[name] ?? .zero)
                #expect(waited <= .milliseconds(110), "seed \(seed): \(name) waited \(waited)")
            }
            passed += describe(units)
            now += .milliseconds(10)
        }
        #expect(passed.count == sent.count && Set(passed) == Set(came.keys), "seed \(seed)")
    }
}
