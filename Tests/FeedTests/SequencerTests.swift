// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media
import TestKit
import Testing

@Suite("A sequencer")
struct SequencerTests {
    @Test("makes 15 pictures of 30 a second a part of exactly 0.5 s", arguments: SyntheticMedia.Rounding.allCases)
    func exactParts(rounding: SyntheticMedia.Rounding) {
        var media = SyntheticMedia()
        media.rounding = rounding
        var harness = FeedHarness()
        harness.publish(media, for: .seconds(20))
        let feed = harness.feed
        feed.check(SequencerSettings(), "\(rounding)")
        #expect(feed.segments.count == 10)
        for segment in feed.segments where segment.isClosed {
            #expect(segment.parts.map(\.end.duration) == Array(repeating: .milliseconds(500), count: 4))
            #expect(segment.startsWithRandomAccess)
            #expect(segment.leadingUnits.count == 60)
        }
        #expect(feed.segments.map(\.start.targetDuration) == [nil, nil] + Array(repeating: 2, count: 8))
        #expect(harness.sequencer.counters.timestampsClamped == 0)
    }

    @Test(
        "cuts each frame rate into whole segments",
        arguments: [
            (24000, 1001, 48), (24, 1, 48), (25, 1, 50), (30000, 1001, 60), (30, 1, 60), (50, 1, 100),
            (60000, 1001, 120), (60, 1, 120),
        ] as [(Int64, Int64, Int64)], [500, 200, 1000])
    func rates(rate: (Int64, Int64, Int64), part: Int) {
        var media = SyntheticMedia()
        media.frameRate = (rate.0, rate.1)
        media.framesPerGroup = rate.2
        let settings = SequencerSettings(segmentTarget: .seconds(2), partTarget: .milliseconds(part))
        var harness = FeedHarness(settings)
        harness.publish(media, for: .seconds(40))
        let feed = harness.feed
        feed.check(settings, "\(rate) \(part)")
        for segment in feed.segments where segment.isClosed {
            #expect(segment.start.partTarget == .milliseconds(part))
            #expect(segment.leadingUnits.count == Int(rate.2))
            let exact = Double(rate.2 * rate.1) / Double(rate.0)
            #expect(abs(segment.duration.seconds - exact) < 0.005)
        }
    }

    @Test(
        "goes without parts below 13 pictures a second",
        arguments: [(10, false), (13, false), (15, true)] as [(Int64, Bool)])
    func slow(rate: Int64, hasParts: Bool) {
        var media = SyntheticMedia()
        media.frameRate = (rate, 1)
        media.framesPerGroup = rate * 2
        var harness = FeedHarness()
        harness.publish(media, for: .seconds(10))
        harness.feed.check(SequencerSettings(), "\(rate)")
        #expect(harness.feed.segments.allSatisfy { ($0.start.partTarget != nil) == hasParts })
    }

    @Test("measures a rate that nobody declared, and gives up parts where the declared one was a lie")
    func undeclared() {
        var media = SyntheticMedia()
        media.frameRate = (5, 1)
        media.framesPerGroup = 10
        for (declared, first) in [(nil, false), (60, true)] as [(Double?, Bool)] {
            var harness = FeedHarness()
            harness.announce(SyntheticParameters.h264(frameRate: declared), for: .video)
            harness.announce(media.parameters(.audio), for: .audio)
            for event in media.events(for: .seconds(12)) { harness.send(event.unit, at: event.time) }
            let feed = harness.feed
            feed.check(SequencerSettings(), "\(String(describing: declared))")
            #expect((feed.segments.first?.start.partTarget != nil) == first)
            #expect(feed.segments.dropFirst(3).allSatisfy { $0.start.partTarget == nil })
        }
    }

    @Test(
        "gives up parts after three slow segments and takes them up after three fast ones",
        arguments: [(2600, false), (5000, false), (9000, true)] as [(Int64, Bool)])
    func slowForAWhile(milliseconds: Int64, givesUp: Bool) {
        var harness = FeedHarness()
        let slow = 4000..<(4000 + milliseconds)
        harness.publish(SyntheticMedia(), for: .seconds(30)) { unit, _ in
            let time = unit.decodeTime.ticks
            return unit.track == .audio || unit.isRandomAccess || !slow.contains(time) || time % 200 < 10
        }
        let feed = harness.feed
        feed.check(SequencerSettings(), "\(milliseconds)")
        #expect(feed.segments.contains { $0.start.partTarget == nil } == givesUp)
        #expect(feed.segments.last?.start.partTarget == .milliseconds(500))
    }

    @Test("asks a publisher that is back for its rate anew", arguments: [false, true])
    func slowBefore(isFastFirst: Bool) {
        var media = SyntheticMedia()
        media.frameRate = isFastFirst ? (30, 1) : (5, 1)
        var harness = FeedHarness()
        for _ in 0..<2 {
            media.framesPerGroup = (media.frameRate?.frames ?? 0) * 2
            harness.announce(SyntheticParameters.h264(frameRate: nil), for: .video)
            harness.announce(media.parameters(.audio), for: .audio)
            let beginning = harness.clock.now
            for event in media.events(for: .seconds(9)) { harness.send(event.unit, at: beginning + event.time) }
            harness.leave()
            harness.sequencer.publisherReturned(now: harness.clock.now)
            media.frameRate = isFastFirst ? (5, 1) : (30, 1)
        }
        let feed = harness.feed
        feed.check(SequencerSettings(), "back, \(isFastFirst)")
        #expect((feed.segments.first?.start.partTarget != nil) == isFastFirst)
        #expect(feed.segments.suffix(4).allSatisfy { ($0.start.partTarget == nil) == isFastFirst })
    }

    @Test("takes the longer of the first two segments as target duration", arguments: [1, 2, 4, 10] as [Int64])
    func targetDuration(group: Int64) {
        var media = SyntheticMedia()
        media.framesPerGroup = group * 30
        var harness = FeedHarness()
        harness.publish(media, for: .seconds(61))
        harness.feed.check(SequencerSettings(), "\(group)")
        #expect(harness.feed.segments.last?.start.targetDuration == Int(max(2, group)))
        #expect(harness.feed.segments.allSatisfy { $0.startsWithRandomAccess })
        #expect(harness.sequencer.counters.forcedCuts == 0)
    }

    @Test("cuts without a random access point where the target duration leaves no room, and aligns again")
    func forced() {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .seconds(20)) { unit, _ in
            let isLost = unit.track == .video && (6000...9999).contains(unit.decodeTime.ticks)
            unit.isRandomAccess = unit.isRandomAccess && !isLost
            return true
        }
        let feed = harness.feed
        feed.check(SequencerSettings(), "lost random access points")
        #expect(harness.sequencer.counters.forcedCuts == feed.segments.count { !$0.startsWithRandomAccess })
        #expect(harness.sequencer.counters.forcedCuts >= 2)
        #expect(feed.segments.suffix(3).allSatisfy { $0.startsWithRandomAccess })
    }

    @Test("counts audio alone in whole units", arguments: [44_100, 48_000] as [Int64])
    func audioOnly(rate: Int64) {
        var media = SyntheticMedia()
        media.frameRate = nil
        media.sampleRate = rate
        var harness = FeedHarness()
        harness.publish(media, for: .seconds(20))
        harness.feed.check(SequencerSettings(), "\(rate)")
        let times = harness.feed.units(.audio).map(\.decodeTime.ticks)
        #expect(times == times.indices.map { Int64($0) * 1024 })
        #expect(harness.feed.segments.count >= 9)
    }

    @Test(
        "counts Opus by what its packets say",
        arguments: [(0xFC, 20), (0xE8, 5), (0x18, 60), (0xFD, 40)] as [(UInt8, Int)])
    func opus(contents: UInt8, milliseconds: Int) {
        var harness = FeedHarness()
        harness.announce(SyntheticParameters.opus(), for: .audio)
        for index in 0..<(10_000 / milliseconds) {
            let unit = AccessUnit(
                track: .audio,
                decodeTime: MediaTime(ticks: Int64(index * milliseconds), timescale: .milliseconds),
                isRandomAccess: true, payload: [contents, 1, 2])
            harness.send(unit, at: .milliseconds(index * milliseconds))
        }
        harness.feed.check(SequencerSettings(), "\(milliseconds) ms")
        let times = harness.feed.units(.audio).map(\.decodeTime.ticks)
        #expect(times == times.indices.map { Int64($0 * milliseconds * 48) })
    }

    @Test("waits for the other track no longer than it is told")
    func videoOnly() {
        var media = SyntheticMedia()
        media.sampleRate = nil
        var harness = FeedHarness()
        harness.publish(media, for: .milliseconds(450))
        #expect(harness.records.isEmpty)
        harness.wait(until: .milliseconds(510))
        guard case .parameters(let parameters)? = harness.records.first else {
            Issue.record("no parameters first")
            return
        }
        #expect(parameters.tracks.map(\.id) == [.video])
        #expect(harness.records.count == 1 + 1 + 14)
    }

    @Test("begins with the first random access point and the audio from there")
    func start() {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .seconds(5)) { unit, index in index > 20 }
        let feed = harness.feed
        #expect(feed.segments.first?.leadingUnits.first?.decodeTime.ticks == 0)
        #expect(feed.segments.first?.startsWithRandomAccess == true)
        let audio = feed.units(.audio).first?.decodeTime.ticks ?? .max
        #expect((0..<1024).contains(audio))
        #expect(harness.sequencer.counters.unitsBeforeRandomAccess > 80)
    }

    @Test("ends a part by the timer where the next picture is late, and keeps its place")
    func timer() {
        var harness = FeedHarness()
        let media = SyntheticMedia()
        harness.announce(media)
        for event in media.events(for: .seconds(4)) where event.unit.track == .video {
            let late: Duration = event.unit.decodeTime.ticks >= 500 ? .milliseconds(80) : .zero
            harness.send(event.unit, at: event.time + late)
        }
        #expect(harness.sequencer.counters.partsClosedByTimer >= 1)
        harness.feed.check(SequencerSettings(), "late by 80 ms")
        #expect(harness.feed.units(.video).map(\.decodeTime.ticks) == (0..<120).map { $0 * 3000 })
    }

    @Test("is stalled while its publisher sends nothing for longer than a target duration")
    func stalled() {
        var harness = FeedHarness()
        #expect(!harness.sequencer.isStalled(now: .seconds(9)))
        harness.publish(SyntheticMedia(), for: .seconds(7))
        #expect(!harness.sequencer.isStalled(now: .milliseconds(8900)))
        #expect(harness.sequencer.isStalled(now: .milliseconds(9100)))
        harness.leave()
        #expect(!harness.sequencer.isStalled(now: .seconds(20)))
        harness.wait(until: .seconds(20))
        harness.sequencer.publisherReturned(now: .seconds(20))
        harness.publish(SyntheticMedia(), for: .seconds(1))
        #expect(!harness.sequencer.isStalled(now: .seconds(21)))
    }

    @Test("ends what is open before it ends the stream")
    func end() {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .milliseconds(5300))
        harness.end()
        harness.end()
        #expect(harness.records.last == .end(.publisherGone))
        #expect(harness.feed.segments.allSatisfy { $0.isClosed })
        #expect(harness.sequencer.summary.hasEnded)
        harness.feed.check(SequencerSettings(), "end")
    }
}
