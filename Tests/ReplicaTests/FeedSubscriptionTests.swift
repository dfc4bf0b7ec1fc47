// SPDX-License-Identifier: Apache-2.0

import Identity
import Media
import NIOCore
import NIOEmbedded
import Replica
import Testing

@Suite("A feed subscription")
struct FeedSubscriptionTests {
    private let loop = EmbeddedEventLoop()
    private let sink = ChannelLikeSink()

    @Test(
        "writes each unit once and in order to a sink that each of them fills",
        arguments: [(1, false), (1, true), (2500, false), (2500, true)])
    func reentrancy(highWater: Int, flushesEachUnit: Bool) throws {
        var feed = try ReplicaFeed(pictureSize: 1000)
        sink.highWater = highWater
        sink.flushesEachUnit = flushesEachUnit
        var expected = feed.append(10)
        let table = open(feed)
        sink.subscription?.pump()
        #expect(times == expected.map(\.decodeTime))
        for _ in 0..<3 {
            expected += feed.append(25)
            loop.run()
            #expect(times == expected.map(\.decodeTime))
        }
        table.close(try #require(sink.subscription))
    }

    @Test("gives a sink that is full no more until it takes something")
    func backPressure() throws {
        var feed = try ReplicaFeed(pictureSize: 1000)
        sink.highWater = 2500
        sink.isRead = false
        let expected = feed.append(10)
        let table = open(feed)
        sink.subscription?.pump()
        #expect(sink.units.count == 3 && sink.mostBuffered == 3000)
        sink.isRead = true
        sink.flush()
        #expect(times == expected.map(\.decodeTime))
        table.close(try #require(sink.subscription))
    }

    @Test("writes nothing after it was closed from within a flush")
    func closing() throws {
        var feed = try ReplicaFeed(pictureSize: 1000)
        sink.highWater = 1
        feed.append(10)
        let table = open(feed)
        let subscription = try #require(sink.subscription)
        sink.isRead = false
        subscription.pump()
        #expect(sink.units.count == 1)
        table.close(subscription)
        sink.isRead = true
        sink.flush()
        #expect(sink.units.count == 1)
    }

    @Test("is woken for what comes after the batch that was the last")
    func waking() throws {
        var feed = try ReplicaFeed(pictureSize: 1000)
        var expected = feed.append(10)
        let table = open(feed)
        sink.subscription?.pump()
        #expect(sink.flushes == 1)
        for count in [1, 1, 64, 65, 1] {
            expected += feed.append(count)
            loop.run()
            #expect(times == expected.map(\.decodeTime))
        }
        #expect(sink.flushes == 6)
        table.close(try #require(sink.subscription))
    }

    @Test("tells the replica once a second what its viewer was sent")
    func counting() throws {
        var feed = try ReplicaFeed(pictureSize: 1000)
        feed.append(10)
        #expect(feed.replica.note(7, .flv, now: .zero))
        let table = open(feed)
        let subscription = try #require(sink.subscription)
        subscription.sent(300)
        subscription.sent(500)
        #expect(feed.replica.viewers.map(\.bytesSent) == [0])
        loop.advanceTime(by: .seconds(1))
        #expect(feed.replica.viewers.map(\.bytesSent) == [800])
        subscription.sent(1)
        loop.advanceTime(by: .seconds(1))
        #expect(feed.replica.viewers.map(\.bytesSent) == [801])
        table.close(subscription)
    }

    @Test(
        "only goes forward over a change of terms, whatever the times of the next one",
        arguments: [-9000, 0, 27_000, 89_000, 90_000, 500_000] as [Int64])
    func terms(ticks: Int64) throws {
        var feed = try ReplicaFeed(pictureSize: 1000)
        feed.append(31)
        let table = open(feed)
        sink.subscription?.pump()
        for number in 2...4 as ClosedRange<UInt64> {
            feed.succeed(in: Term(number: number, salt: 1), at: ticks)
            feed.append(20)
            loop.run()
        }
        let shown = times.map(\.ticks)
        #expect(shown.count > 60)
        #expect(zip(shown, shown.dropFirst()).allSatisfy { $0 < $1 }, "\(shown)")
        #expect(sink.terms.map(\.term.number) == [1, 2, 3, 4])
        #expect(sink.terms.dropFirst().allSatisfy { sink.units[$0.units].isRandomAccess })
        table.close(try #require(sink.subscription))
    }

    @Test("gives a sink that minds terms itself the times as the feed has them")
    func rawTimes() throws {
        var feed = try ReplicaFeed(pictureSize: 1000)
        var expected = feed.append(31)
        let table = open(feed, movesTimes: false)
        sink.subscription?.pump()
        expected.removeFirst(30)
        feed.succeed(in: Term(number: 2, salt: 1), at: 3000)
        expected += feed.append(20)
        loop.run()
        #expect(times == expected.map(\.decodeTime))
        table.close(try #require(sink.subscription))
    }

    private var times: [MediaTime] { sink.units.map(\.decodeTime) }

    private func open(_ feed: ReplicaFeed, movesTimes: Bool = true) -> SubscriptionTable {
        let table = SubscriptionTable(eventLoop: loop)
        var settings = PlaySettings()
        settings.maximumLag = .seconds(60)
        settings.movesTimes = movesTimes
        sink.subscription = table.open(feed.replica, viewer: 7, sink: sink, settings: settings)
        return table
    }
}
