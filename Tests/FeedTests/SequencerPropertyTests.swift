// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import Identity
import Media
import TestKit
import Testing

@Suite("Any publisher's feed")
struct SequencerPropertyTests {
    @Test("keeps every rule, and replays to the same records", arguments: UInt64(1)...60)
    func rules(seed: UInt64) throws {
        let (settings, first, due) = run(seed: seed)
        let (_, second, _) = run(seed: seed)
        #expect(first.records == second.records, "seed \(seed)")
        first.feed.check(settings, "seed \(seed)")
        first.feed.checkStep(due, "seed \(seed)")
        let decoded = try first.records.map { record in
            var bytes: [UInt8] = []
            FeedRecordEncoder().append(record, to: &bytes)
            return try FeedRecordDecoder().record(from: bytes[...])
        }
        #expect(decoded == first.records, "seed \(seed)")
        var summary = FeedSummary(firstSegment: 100)
        for record in first.records { summary.append(record) }
        #expect(summary == first.sequencer.summary, "seed \(seed)")
    }

    /// A publisher of random rate, group, rounding and jitter, that loses units, steps, stalls, jumps, leaves and
    /// returns.
    /// Returns when each publisher's units, known by their payloads, were due.
    private func run(seed: UInt64) -> (SequencerSettings, FeedHarness, [[ByteSlice: Double]]) {
        var random = SeededRandom(seed: seed)
        let part = [nil, 200, 333, 500, 1000].randomElement(using: &random) ?? nil
        let settings = SequencerSettings(
            segmentTarget: .seconds([1, 2, 4].randomElement(using: &random) ?? 2),
            partTarget: part.map { .milliseconds($0) })
        var harness = FeedHarness(settings)
        harness.ticks = Bool.random(using: &random)
        var due: [[ByteSlice: Double]] = []
        for publisher in 0..<Int.random(in: 1...4, using: &random) {
            due.append([:])
            let media = self.media(using: &random, seed: seed)
            let faults = Faults(using: &random)
            var noise = random
            harness.publish(media, for: .seconds(Int.random(in: 1...25, using: &random))) { unit, index in
                unit.payload = [UInt8(publisher), UInt8(index & 0xFF), UInt8(index >> 8)][...]
                let shown = unit.decodeTime.ticks + Int64(unit.compositionOffset)
                due[publisher][unit.payload] =
                    MediaTime(ticks: shown, timescale: unit.decodeTime.timescale).seconds
                return faults.apply(to: &unit, index: index, using: &noise)
            }
            harness.leave()
            harness.wait(until: harness.clock.now + .seconds(Int.random(in: 0...10, using: &random)))
            harness.sequencer.publisherReturned(now: harness.clock.now)
        }
        harness.end()
        return (settings, harness, due)
    }

    private func media(using random: inout SeededRandom, seed: UInt64) -> SyntheticMedia {
        var media = SyntheticMedia()
        let rates: [(Int64, Int64)?] = [
            (30, 1), (30000, 1001), (24000, 1001), (25, 1), (60, 1), (7, 1), (1, 1), (17, 1), (90, 7), nil,
        ]
        media.frameRate = rates.randomElement(using: &random) ?? nil
        media.framesPerGroup = .random(in: 1...150, using: &random)
        media.bFrames = .random(in: 0...2, using: &random)
        media.sampleRate = media.frameRate != nil && Int.random(in: 0..<4, using: &random) == 0 ? nil : 44_100
        media.rounding = SyntheticMedia.Rounding.allCases.randomElement(using: &random) ?? .none
        media.jitter = .milliseconds([0, 0, 1, 5, 40].randomElement(using: &random) ?? 0)
        media.start = .milliseconds(Int.random(in: 100...5_000_000_000, using: &random))
        media.seed = seed
        return media
    }

    /// What goes wrong, each with its own likelihood in a thousand.
    private struct Faults {
        let lost: Int
        let stepped: Int
        let hole: Range<Int>
        let jump: (index: Int, by: Int64)

        init(using random: inout SeededRandom) {
            lost = [0, 0, 5, 100].randomElement(using: &random) ?? 0
            stepped = [0, 0, 5, 50].randomElement(using: &random) ?? 0
            let start = Int.random(in: 0...1000, using: &random)
            hole = start..<(start + Int.random(in: 0...200, using: &random))
            jump = (.random(in: 0...3000, using: &random), .random(in: -100_000_000...100_000_000, using: &random))
        }

        func apply(to unit: inout AccessUnit, index: Int, using random: inout SeededRandom) -> Bool {
            let perMille = Int.random(in: 0..<1000, using: &random)
            if index >= jump.index { unit.decodeTime.ticks += jump.by }
            if perMille < stepped { unit.decodeTime.ticks += .random(in: -30_000...30_000, using: &random) }
            return !hole.contains(index) && perMille < 1000 - lost
        }
    }

    @Test("survives times at the ends of what can be written", arguments: UInt64(1)...20)
    func absurd(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var harness = FeedHarness()
        harness.ticks = false
        harness.announce(SyntheticMedia())
        for index in 0..<500 {
            let extremes: [Int64] = [.min, .max, 0, -1, .max / 1000, .random(in: .min ... .max, using: &random)]
            let timescale = ([1, 1000, 90_000, .max] as [UInt32]).randomElement(using: &random) ?? 1
            let unit = AccessUnit(
                track: Bool.random(using: &random) ? .video : .audio,
                decodeTime: MediaTime(
                    ticks: extremes.randomElement(using: &random) ?? 0, timescale: Timescale(timescale)),
                compositionOffset: [.min, .max, 0].randomElement(using: &random) ?? 0,
                isRandomAccess: index % 7 == 0, payload: [1, 2, 3])
            harness.send(unit, at: .milliseconds(index * 20))
        }
        harness.end()
        harness.feed.check(SequencerSettings(), "seed \(seed)")
    }
}
