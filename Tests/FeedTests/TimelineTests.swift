// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media
import TestKit
import Testing

@Suite("A stream's timeline")
struct TimelineTests {
    /// How far video and audio have moved against each other, in seconds: for each, output minus what was due.
    private func offset(_ feed: FeedReading, video: [Duration], audio: [Duration]) -> Double {
        let picture = feed.units(.video).count - 1
        let sound = feed.units(.audio).count - 1
        let shown = feed.units(.video)[picture]
        let ticks = MediaTime(ticks: shown.decodeTime.ticks + Int64(shown.compositionOffset), timescale: .video)
        let heard = feed.units(.audio)[sound].decodeTime
        return (ticks.seconds - video[video.count - 1].seconds) - (heard.seconds - audio[audio.count - 1].seconds)
    }

    @Test(
        "leaves out a jump of the publisher's clock, for all tracks alike",
        arguments: [86_400_000, -86_400_000, 5000, -5000, 4_294_967_296, 3_900_000_000_000] as [Int64])
    func jump(step: Int64) {
        var media = SyntheticMedia()
        media.start = .seconds(100_000)
        var harness = FeedHarness()
        harness.publish(media, for: .seconds(20)) { unit, _ in
            if unit.decodeTime.ticks >= 100_007_321 { unit.decodeTime.ticks += step }
            return true
        }
        let feed = harness.feed
        feed.check(SequencerSettings(), "\(step)")
        #expect(harness.sequencer.counters.clockJumps == 1)
        #expect(feed.segments.allSatisfy { !$0.start.isDiscontinuity && $0.startsWithRandomAccess })
        #expect(feed.units(.video).map(\.decodeTime.ticks) == (0..<600).map { $0 * 3000 })
        let times = media.events(for: .seconds(20)).filter { $0.unit.track == .audio }.map(\.time)
        let video = media.events(for: .seconds(20)).filter { $0.unit.track == .video }.map(\.time)
        #expect(abs(offset(feed, video: video, audio: times)) < 0.0214)
    }

    @Test("returns to its place after a single wrong time")
    func wrongTime() {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .seconds(20)) { unit, index in
            if index % 199 == 150 { unit.decodeTime.ticks += 86_400_000 }
            return true
        }
        let feed = harness.feed
        feed.check(SequencerSettings(), "wrong times")
        #expect(harness.sequencer.counters.clockJumps == 0)
        #expect(abs((feed.units(.video).last?.decodeTime.seconds ?? 0) - 19.9667) < 0.001)
        #expect(abs((feed.units(.audio).last?.decodeTime.seconds ?? 0) - 19.98) < 0.0214)
    }

    /// Each unit of the second half against the time it was due: the mean over video minus the mean over audio.
    private func drift(_ harness: FeedHarness, _ media: SyntheticMedia, for duration: Duration) -> Double {
        let means = [TrackID.video, .audio].map { track in
            let due = media.events(for: duration).filter { $0.unit.track == track }.map(\.time.seconds)
            let units = harness.feed.units(track).suffix(50)
            let errors = zip(units, due.suffix(units.count)).map { unit, due in
                Double(unit.decodeTime.ticks + Int64(unit.compositionOffset))
                    / Double(unit.decodeTime.timescale.ticksPerSecond) - due
            }
            return errors.reduce(0, +) / Double(errors.count)
        }
        return means[0] - means[1]
    }

    private static let steps: [Int64] = [
        250, -250, 300, -300, 500, -500, 1000, -1000, 2000, -2000, 2900, -2900, 3000, -3000,
    ]

    @Test("keeps tracks in step over wrong times of one of them", arguments: steps, [TrackID.video, .audio])
    func wrongStep(step: Int64, track: TrackID) {
        var media = SyntheticMedia()
        media.start = .seconds(100)
        var harness = FeedHarness()
        harness.publish(media, for: .seconds(20)) { unit, _ in
            let isWrong = (107_000..<107_030).contains(unit.decodeTime.ticks) || unit.decodeTime.ticks / 10 == 11_100
            if unit.track == track, isWrong { unit.decodeTime.ticks += step }
            return true
        }
        harness.feed.check(SequencerSettings(), "\(step) \(track)")
        #expect(abs(drift(harness, media, for: .seconds(20))) < 0.0214)
        #expect(harness.sequencer.counters.clockJumps == 0)
    }

    @Test(
        "keeps tracks in step when the publisher's clock steps for good, and when it steps back", arguments: steps,
        [2, 0.5, 0.15])
    func sustainedStep(step: Int64, duration: Double) {
        var media = SyntheticMedia()
        media.start = .seconds(100)
        var harness = FeedHarness()
        harness.publish(media, for: .seconds(20)) { unit, _ in
            let time = unit.decodeTime.ticks
            if time >= 107_000, duration == 2 || time < 107_000 + Int64(duration * 1000) {
                unit.decodeTime.ticks += step
            }
            return true
        }
        harness.feed.check(SequencerSettings(), "\(step) \(duration)")
        #expect(abs(drift(harness, media, for: .seconds(20))) < 0.065)
    }

    @Test("clamps equal times and small steps back by the least", arguments: [0, -1, -20, -200] as [Int64])
    func clamps(step: Int64) {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .seconds(12)) { unit, index in
            if index % 50 == 49, unit.track == .video { unit.decodeTime.ticks += step - 33 }
            return true
        }
        harness.feed.check(SequencerSettings(), "\(step)")
        #expect(harness.feed.units(.video).count == 360)
        #expect(harness.sequencer.counters.clockJumps == 0)
    }

    @Test("keeps parts within their target over holes in video", arguments: [100, 450, 900, 2100] as [Int64])
    func holes(length: Int64) {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .seconds(20)) { unit, _ in
            unit.track == .audio || !(5210..<(5210 + length)).contains(unit.decodeTime.ticks)
        }
        let feed = harness.feed
        feed.check(SequencerSettings(), "\(length) ms")
        for unit in feed.units(.video) {
            let shown = Double(unit.decodeTime.ticks + Int64(unit.compositionOffset)) / 3000
            #expect(abs(shown - shown.rounded()) < 0.01, "shown off its time: \(unit.decodeTime.ticks)")
        }
        #expect(feed.units(.video).last?.decodeTime.ticks == Int64(599 * 3000))
    }

    @Test(
        "shows pictures with B-frames when they are due", arguments: SyntheticMedia.Rounding.allCases,
        [1, 2] as [Int64])
    func bFrames(rounding: SyntheticMedia.Rounding, count: Int64) {
        var media = SyntheticMedia()
        media.bFrames = count
        media.rounding = rounding
        media.frameRate = (30000, 1001)
        var harness = FeedHarness()
        harness.publish(media, for: .seconds(20))
        harness.feed.check(SequencerSettings(), "\(rounding) \(count)")
        for (index, unit) in harness.feed.units(.video).enumerated() {
            #expect(unit.decodeTime.ticks == Int64(index) * 3003)
            #expect(unit.compositionOffset % 3003 == 0)
        }
    }

    @Test("ends a segment by a mark without units where its last part was ended by the timer")
    func closingMark() {
        var media = SyntheticMedia()
        media.sampleRate = nil
        var harness = FeedHarness()
        harness.announce(media)
        for event in media.events(for: .milliseconds(500)) { harness.send(event.unit, at: event.time) }
        harness.wait(until: .seconds(2))
        #expect(harness.sequencer.counters.partsClosedByTimer == 1)
        harness.end()
        let feed = harness.feed
        feed.check(SequencerSettings(), "closing mark")
        #expect(feed.segments[0].parts.map(\.end.hasMedia) == [true, false])
        #expect(feed.segments[0].parts.map(\.end.closesSegment) == [false, true])
        #expect(harness.sequencer.summary.nextFragment == 2)
    }

    @Test("leaves holes in audio where they are")
    func audioHole() {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .seconds(10)) { unit, _ in
            unit.track == .video || !(4000..<5000).contains(unit.decodeTime.ticks)
        }
        harness.feed.check(SequencerSettings(), "audio hole")
        #expect(harness.sequencer.counters.audioHoles == 1)
        #expect(abs((harness.feed.units(.audio).last?.decodeTime.seconds ?? 0) - 9.984) < 0.0214)
    }

    @Test(
        "goes on at the last unit's end when the publisher is back",
        arguments: [SyntheticMedia.Rounding.nearest, .none])
    func publisherBack(rounding: SyntheticMedia.Rounding) {
        var media = SyntheticMedia()
        media.rounding = rounding
        var harness = FeedHarness()
        harness.publish(media, for: .milliseconds(7777))
        harness.leave()
        let closed = harness.sequencer.summary
        #expect(closed.openPart == nil)
        harness.wait(until: .seconds(13))
        harness.sequencer.publisherReturned(now: harness.clock.now)
        media.start = .seconds(55)
        let wall = harness.clock.wall
        harness.publish(media, for: .seconds(8))
        let feed = harness.feed
        feed.check(SequencerSettings(), "back")
        let again = feed.segments[4]
        #expect(again.start.programDateTime == wall)
        #expect(!again.start.isDiscontinuity && again.startsWithRandomAccess)
        #expect(again.start.parameters == 0 && harness.sequencer.counters.discontinuities == 0)
        #expect(again.leadingUnits.first?.decodeTime.ticks == closed.ends.first?.ticks)
        let (picture, sound) = (
            feed.units(.video).last?.decodeTime.seconds ?? 0, feed.units(.audio).last?.decodeTime.seconds ?? 0
        )
        #expect(abs(picture - sound - (7.9667 - 7.9787)) < 0.0214)
    }

    @Test(
        "waits for the tracks of a publisher that is back",
        arguments: [(700, 0), (2400, 0), (3000, 2)] as [(Int64, Int)])
    func lateTrack(milliseconds: Int64, discontinuities: Int) {
        var harness = FeedHarness()
        let media = SyntheticMedia()
        harness.publish(media, for: .seconds(6))
        harness.leave()
        harness.sequencer.publisherReturned(now: harness.clock.now)
        let beginning = harness.clock.now
        harness.announce(media.parameters(.video), for: .video)
        var isAnnounced = false
        for event in media.events(for: .seconds(9)) {
            if event.time > .milliseconds(milliseconds), !isAnnounced {
                harness.announce(media.parameters(.audio), for: .audio)
                isAnnounced = true
            }
            if isAnnounced || event.unit.track == .video { harness.send(event.unit, at: beginning + event.time) }
        }
        harness.feed.check(SequencerSettings(), "late by \(milliseconds) ms")
        #expect(harness.feed.segments.count { $0.start.isDiscontinuity } == discontinuities)
        #expect(harness.feed.segments.last?.parameters.tracks.count == 2)
    }

    @Test("ends the part before a hole in audio alone where the audio ends", arguments: [700, 1500, 2500] as [Int64])
    func audioAloneHole(length: Int64) {
        var media = SyntheticMedia()
        media.frameRate = nil
        var harness = FeedHarness()
        harness.publish(media, for: .seconds(12)) { unit, _ in
            !(4100..<(4100 + length)).contains(unit.decodeTime.ticks)
        }
        let feed = harness.feed
        feed.check(SequencerSettings(), "\(length) ms")
        #expect(harness.sequencer.counters.audioHoles == 1)
        for part in feed.segments.flatMap(\.parts) {
            #expect(part.end.ends.first?.ticks == part.units.last.map { $0.decodeTime.ticks + 1024 })
        }
    }

    @Test("dates segments by media time whatever the jitter of arrivals and the steps of civil time")
    func jitter() {
        var harness = FeedHarness()
        var random = SeededRandom(seed: 5)
        harness.announce(SyntheticMedia())
        for event in SyntheticMedia().events(for: .seconds(60)) {
            let late = Duration.milliseconds(Int.random(in: 0...400, using: &random))
            harness.send(event.unit, at: max(harness.clock.now, event.time + late))
            if event.time > .seconds(20) { harness.wallStep = .seconds(-10) }
            if event.time > .seconds(40) { harness.wallStep = .seconds(3600) }
        }
        harness.feed.check(SequencerSettings(), "jitter")
        let segments = harness.feed.segments
        for (one, next) in zip(segments, segments.dropFirst()) {
            let step = next.start.programDateTime.milliseconds - one.start.programDateTime.milliseconds
            #expect((1999...2401).contains(step))
        }
        let total = (segments.last?.start.programDateTime.milliseconds ?? 0) - harness.clock.wall.milliseconds
        #expect((-2500 ... -1700).contains(total))
    }

    @Test("dates segments by their arrival after a stall, and leads the dates back after the burst that follows")
    func burst() {
        var harness = FeedHarness()
        harness.announce(SyntheticMedia())
        for event in SyntheticMedia().events(for: .seconds(80)) {
            harness.send(event.unit, at: event.time >= .seconds(7) ? max(event.time, .seconds(11)) : event.time)
        }
        let feed = harness.feed
        feed.check(SequencerSettings(), "burst")
        let errors = feed.segments.map { segment in
            segment.start.programDateTime.milliseconds - (harness.arrivals[segment.start.msn]?.milliseconds ?? 0)
        }
        #expect(errors[4] == 0)
        #expect(errors.max() ?? 0 > 2000)
        #expect(abs(errors.last ?? 9999) <= 250)
    }

    @Test("dates segments by their arrival once the publisher falls behind")
    func lateness() {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .seconds(6))
        let before = harness.feed.segments
        harness.wait(until: .milliseconds(7500))
        var late = SyntheticMedia()
        late.start = .seconds(6)
        let wall = harness.clock.wall
        harness.publish(late, for: .seconds(4))
        harness.feed.check(SequencerSettings(), "late")
        let after = harness.feed.segments[before.count]
        #expect(after.start.programDateTime == wall)
        #expect(!after.start.isDiscontinuity)
    }

    @Test("begins a segment with a random access point that comes behind a gap")
    func gapBeforeRandomAccess() {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .seconds(20)) { unit, _ in
            let time = unit.decodeTime.ticks % 2000
            return unit.track != .video || time < 1650 || unit.decodeTime.ticks < 6000
        }
        #expect(!harness.feed.segments.contains { !$0.startsWithRandomAccess })
        #expect(harness.sequencer.counters.forcedCuts == 0)
    }

    @Test("makes a discontinuity for other parameters, and for nothing else")
    func otherParameters() {
        var harness = FeedHarness()
        var media = SyntheticMedia()
        harness.publish(media, for: .seconds(5))
        harness.announce(media.parameters(.video), for: .video)
        #expect(harness.sequencer.counters.discontinuities == 0)
        harness.leave()
        harness.sequencer.publisherReturned(now: harness.clock.now)
        media.sampleRate = 44_100
        harness.publish(media, for: .seconds(5))
        let feed = harness.feed
        feed.check(SequencerSettings(), "44.1 kHz")
        let changed = feed.segments.first { $0.start.isDiscontinuity }
        #expect(changed?.start.discontinuitySequence == 1)
        #expect(changed?.start.parameters == 1)
        #expect(changed?.parameters.tracks.last?.timescale == Timescale(44_100))
        #expect(harness.sequencer.counters.discontinuities == 1)
    }

    @Test("begins a track that comes later, or other parameters, at the next random access point")
    func laterTrack() {
        var harness = FeedHarness()
        let media = SyntheticMedia()
        harness.announce(media.parameters(.video), for: .video)
        for event in media.events(for: .seconds(9)) {
            if event.time == .milliseconds(3000) { harness.announce(media.parameters(.audio), for: .audio) }
            harness.send(event.unit, at: event.time)
        }
        let feed = harness.feed
        feed.check(SequencerSettings(), "later audio")
        #expect(feed.segments.map(\.parameters.tracks.count) == [1, 1, 2, 2, 2])
        #expect(feed.segments.map(\.start.isDiscontinuity) == [false, false, true, false, false])
        #expect(abs((feed.units(.audio).last?.decodeTime.seconds ?? 0) - 8.98) < 0.0214)
    }

    @Test("goes on in a later term from what the records of the former came to")
    func laterTerm() {
        var former = FeedHarness()
        former.publish(SyntheticMedia(), for: .milliseconds(7100))
        former.leave()
        var summary = FeedSummary(firstSegment: 100)
        for record in former.records { summary.append(record) }
        #expect(summary == former.sequencer.summary)
        var later = FeedHarness(SequencerSettings(), continuing: summary)
        var media = SyntheticMedia()
        media.start = .seconds(9)
        later.publish(media, for: .seconds(5))
        later.feed.check(SequencerSettings(), "later term")
        let first = later.feed.segments[0].start
        #expect(first.msn == summary.nextSegment && first.firstFragmentNumber == summary.nextFragment)
        #expect(first.targetDuration == 2 && !first.isDiscontinuity && first.discontinuitySequence == 0)
        #expect(first.firstDecodeTimes.first == summary.ends.first)
        var other = FeedHarness(SequencerSettings(), continuing: summary)
        media.sampleRate = nil
        other.publish(media, for: .seconds(5))
        #expect(other.feed.segments[0].start.isDiscontinuity)
    }

    @Test("stays in step over ten hours, whatever the rate", arguments: [(30000, 1001), (25, 1)] as [(Int64, Int64)])
    func tenHours(rate: (Int64, Int64)) {
        var media = SyntheticMedia()
        media.frameRate = rate
        media.framesPerGroup = 60
        var sequencer = Sequencer(settings: SequencerSettings(), term: FeedHarness.term, firstMSN: 1)
        var records: [FeedRecord] = []
        for track in media.tracks {
            sequencer.parameters(
                media.parameters(track), for: track, now: .zero, wall: WallTime(milliseconds: 0), into: &records)
        }
        var worst = 0.0
        for event in media.events(for: .seconds(Self.longRun)) {
            records.removeAll(keepingCapacity: true)
            sequencer.append(event.unit, now: event.time, wall: WallTime(milliseconds: 0), into: &records)
            guard case .accessUnit(let unit)? = records.last else { continue }
            worst = max(worst, abs(unit.decodeTime.seconds - event.time.seconds))
        }
        #expect(worst < 0.0214)
        #expect(sequencer.summary.segmentsEnded > Self.longRun * 4 / 10)
        #expect(sequencer.counters == SequencerCounters())
    }

    #if DEBUG
    private static let longRun: UInt64 = 600
    #else
    private static let longRun: UInt64 = 36_000
    #endif
}
