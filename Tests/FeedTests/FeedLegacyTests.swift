// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media
import TestKit
import Testing

@Suite("What a term leaves to the next")
struct FeedLegacyTests {
    private static let next = Term(number: 4_000_000_000_000, salt: 1)

    private func log(_ harness: FeedHarness) -> FeedLog {
        var log = FeedLog(term: FeedHarness.term)
        for record in harness.records { log.append(record, at: log.next) }
        return log
    }

    @Test("is everything up to the last mark, and what that has come to")
    func everything() throws {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .milliseconds(7130))
        let legacy = try #require(log(harness).legacy)
        let last = try #require(harness.records.lastIndex { if case .partEnd = $0 { true } else { false } })
        #expect(last < harness.records.count - 1)
        #expect(legacy.end == FeedPosition(term: FeedHarness.term, number: UInt64(last) + 1))
        #expect(legacy.commit?.position.number == UInt64(last))
        var summary = FeedSummary(firstSegment: 0)
        for record in harness.records[...last] { summary.append(record) }
        #expect(legacy.summary == summary)
    }

    @Test("is the same where only the newest segments are held")
    func window() throws {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .seconds(30))
        var log = log(harness)
        let whole = try #require(log.legacy)
        log.forget(segmentsBefore: whole.summary.nextSegment - 4)
        let part = try #require(log.legacy)
        #expect(log.count < harness.records.count / 2 && part.end == whole.end && part.commit == whole.commit)
        var later = [whole, part].map { FeedHarness(SequencerSettings(), continuing: $0.summary) }
        for index in later.indices {
            var media = SyntheticMedia()
            media.start = .seconds(33)
            later[index].publish(media, for: .seconds(5))
        }
        #expect(later[0].records == later[1].records)
    }

    @Test("is nothing where no part has ended")
    func nothing() {
        var harness = FeedHarness()
        #expect(log(harness).legacy == nil)
        harness.publish(SyntheticMedia(), for: .milliseconds(100))
        #expect(log(harness).legacy == nil)
    }

    @Test("goes over two terms, and leaves out what the second took back")
    func twoTerms() throws {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .milliseconds(5130))
        var log = log(harness)
        let first = try #require(log.legacy)
        log.begin(FeedStart(position: FeedPosition(term: Self.next, number: 0), continues: first.end))
        #expect(log.legacy == first)
        // The second term dies before its first part has ended, and the third goes on from the first.
        log.append(.stored(1), at: log.next)
        let third = Term(number: Self.next.number + 1, salt: 1)
        log.begin(FeedStart(position: FeedPosition(term: third, number: 0), continues: first.end))
        log.append(.stored(2), at: log.next)
        let place = log.endPlace - 1
        for position in [first.end, FeedPosition(term: Self.next, number: 0), FeedPosition(term: Self.next, number: 1)]
        {
            #expect(log.resumption(from: position) == .at(place), "\(position)")
        }
        #expect(log.start(at: place).continues == first.end && log.valid(place - 1) == place)
    }

    @Test("has room for what somebody listed and nobody holds")
    func gaps() throws {
        var harness = FeedHarness()
        harness.publish(SyntheticMedia(), for: .milliseconds(5130))
        let summary = try #require(log(harness).legacy).summary
        var sequencer = Sequencer(settings: SequencerSettings(), term: Self.next, continuing: summary)
        var records: [FeedRecord] = []
        sequencer.skip(through: summary.nextSegment - 1, into: &records)
        #expect(records.isEmpty)
        sequencer.skip(through: summary.nextSegment + 1, into: &records)
        let length = Duration.seconds(2)
        #expect(
            records
                == [0, 1].map { .gap(Gap(msn: summary.nextSegment + $0, duration: length)) })
        #expect(sequencer.summary.nextSegment == summary.nextSegment + 2)
        let (before, after) = (try #require(summary.ends.first), try #require(sequencer.summary.ends.first))
        #expect(after.ticks - before.ticks == 4 * 90_000 && sequencer.summary.openPart == nil)
        records = []
        sequencer.skip(through: summary.nextSegment + 1000, into: &records)
        #expect(records == [.gap(Gap(msn: summary.nextSegment + 1000, duration: length))])
    }
}
