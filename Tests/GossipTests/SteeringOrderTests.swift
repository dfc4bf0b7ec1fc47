// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import TestKit
import Testing

@Suite("Orders about audiences")
struct SteeringOrderTests {
    private static let show = try? StreamID(app: "live", name: "show")
    /// When test nodes were booted, in Unix milliseconds.
    private static let boot: UInt64 = 1000

    /// An order of one share, in milliseconds since a test node was booted.
    private static func order(
        _ time: UInt64, about stream: StreamID? = show, percent: UInt8 = 30, for life: UInt64 = 60_000
    ) -> SteeringOrder {
        let share = PathwayShare(pathway: "CDN", percent: percent).map { [$0] } ?? []
        return SteeringOrder(
            stream: stream, time: boot + time, expires: boot + time + life, shares: percent > 0 ? share : [])
    }

    @Test("are told on where they are new, and seen in the view")
    func news() {
        var node = Core()
        let before = node.core.viewVersion
        node.hear(.steering(Self.order(5)))
        #expect(node.core.view.steering == [Self.order(5)] && node.core.viewVersion > before)
        node.hear(.steering(Self.order(4, percent: 9)))
        #expect(node.core.view.steering == [Self.order(5)])
        node.hear(.steering(Self.order(6, about: nil, percent: 9)))
        #expect(node.core.view.steering == [Self.order(5), Self.order(6, about: nil, percent: 9)])
        node.hear(.steering(Self.order(7, percent: 0)))
        #expect(node.core.view.steering.count == 2 && node.core.view.steering.last?.shares == [])
    }

    @Test("make the same digest in whatever order they come", arguments: 1...20 as ClosedRange<UInt64>)
    func digest(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let orders = try (0..<40).map { _ in
            Self.order(
                .random(in: 1...6, using: &random),
                about: try StreamID(app: "live", name: "s\(Int.random(in: 0...9, using: &random))"),
                percent: .random(in: 0...3, using: &random))
        }
        var (one, other) = (Core(), Core())
        for order in orders { one.hear(.steering(order)) }
        for order in orders.shuffled(using: &random) { other.hear(.steering(order)) }
        #expect(one.core.view.steering == other.core.view.steering, "seed \(seed)")
        #expect(one.core.region.directoryDigest == other.core.region.directoryDigest, "seed \(seed)")
    }

    @Test("reach a member that missed the rumour, although all tables agree")
    func missed() throws {
        var (told, untold) = (Core(), Core())
        told.hear(.steering(Self.order(7)))
        #expect(told.core.region.directoryDigest != untold.core.region.directoryDigest)
        let state = try #require(told.answers(to: untold.digest, in: .region).first)
        _ = untold.answers(to: state, in: .region)
        #expect(untold.core.view.steering == [Self.order(7)])
        #expect(untold.core.region.directoryDigest == told.core.region.directoryDigest)
    }

    @Test("end by themselves, and leave nothing behind")
    func expiry() {
        var node = Core()
        let digest = node.core.region.directoryDigest
        node.hear(.steering(Self.order(0, for: 2000)))
        #expect(node.core.region.directoryDigest != digest)
        node.live(for: .seconds(3))
        #expect(node.core.view.steering.isEmpty && node.core.region.directoryDigest == digest)
        node.hear(.steering(Self.order(0, for: 2000)))
        #expect(node.core.view.steering.isEmpty, "what has ended is no news")
    }

    @Test("follow what a clock ahead has given, and what took that back")
    func lifted() {
        var node = Core()
        let ahead: UInt64 = 3_600_000
        node.hear(.steering(Self.order(ahead)))
        node.core.steer(Self.order(5, percent: 0, for: ahead + 60_000), now: node.now, into: &node.directives)
        #expect(node.core.view.steering.map(\.time) == [Self.boot + ahead + 1])
        node.core.steer(Self.order(6, percent: 9), now: node.now, into: &node.directives)
        #expect(node.core.view.steering.map(\.time) == [Self.boot + ahead + 2])
        #expect(node.core.view.steering.first?.shares.first?.percent == 9)
    }

    @Test("are refused where the clock that gave them is far ahead, or they would count for ever")
    func implausible() throws {
        var node = Core()
        let (day, share) = (UInt64(86_400_000), try #require(PathwayShare(pathway: "CDN", percent: 1)))
        for (time, expires) in [
            (UInt64.max, UInt64.max), (0, .max), (2 * day, 3 * day), (0, 9 * day), (.max - 1, .max),
        ] {
            node.hear(.steering(SteeringOrder(stream: nil, time: time, expires: expires, shares: [share])))
        }
        #expect(node.core.view.steering.isEmpty)
    }

    @Test("are the newest where there are too many, however they come", arguments: 1...5 as ClosedRange<UInt64>)
    func tooMany(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let orders = try (0..<80).map { Self.order($0, about: try StreamID(app: "live", name: "s\($0)")) }
        var (one, other) = (Core(), Core())
        for order in orders.shuffled(using: &random) { one.hear(.steering(order)) }
        for order in orders.shuffled(using: &random) { other.hear(.steering(order)) }
        #expect(one.core.view.steering == Array(orders.suffix(64)), "seed \(seed)")
        #expect(one.core.region.directoryDigest == other.core.region.directoryDigest, "seed \(seed)")
    }

    @Test("are at most as many as a state may hold")
    func limit() throws {
        var node = Core()
        for number in 0..<80 {
            node.hear(.steering(Self.order(1, about: try StreamID(app: "live", name: "s\(number)"))))
        }
        #expect(node.core.view.steering.count == 64)
    }
}
