// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Media
import Testing

@Suite("A held feed")
struct HeldFeedTests {
    private func feed(_ checks: DigestChecks = .states, of script: FeedScript) -> HeldFeed {
        HeldFeed(stream: FeedScript.stream, settings: MediaWindowSettings(), term: script.term, checks: checks)
    }

    private func gateway(_ script: FeedScript) -> HeldFeed {
        var feed = feed(of: script)
        for entry in script.entries { feed.append(entry.record, at: entry.position) }
        return feed
    }

    @Test("has its media in memory once: the records' payloads lie in the bytes of the parts")
    func sharing() throws {
        var script = FeedScript()
        script.segments(3)
        var feed = gateway(script)
        var pending: [AccessUnit] = []
        var units = 0
        for (place, entry) in zip(feed.log.firstPlace..., script.entries) {
            switch (feed.log[place: place], entry.record) {
            case (.accessUnit(let held)?, .accessUnit(let told)):
                #expect(held == told)
                pending.append(held)
            case (.partEnd(let mark)?, _):
                let written = feed.window.part(mark.position, term: script.term, rendition: .main)
                let bytes = try #require(written)
                let isInside = pending.allSatisfy { bytes[$0.payload.indices] == $0.payload }
                #expect(isInside)
                units += pending.count
                pending = []
            default: continue
            }
        }
        #expect(units > 300)
    }

    @Test("keeps the records of the window, and no more")
    func retention() {
        var script = FeedScript()
        script.segments(60)
        let feed = gateway(script)
        let starts = script.entries.filter { if case .segmentStart = $0.record { true } else { false } }
        #expect(feed.window.held?.lowerBound == 140)
        #expect(feed.log.oldest.position == starts[40].position)
        #expect(feed.log.oldest.parameters?.position.number == 0)
    }

    @Test("gives a node that begins with the oldest the same window", arguments: [3, 12, 25, 60])
    func late(segments: Int) {
        var script = FeedScript()
        script.segments(segments)
        let ours = gateway(script)
        var theirs = feed(.verifies(oneIn: 1), of: script)
        theirs.begin(ours.log.oldest)
        for place in ours.log.firstPlace..<ours.log.endPlace {
            guard let record = ours.log[place: place], let position = ours.log.position(at: place) else { continue }
            guard position >= ours.log.oldest.position else { continue }
            theirs.append(record, at: position)
        }
        let commit = CommitTracker.Commit(position: ours.next, part: PartPosition(msn: .max, part: 0))
        var (first, second) = (ours, theirs)
        first.commit(upTo: commit)
        second.commit(upTo: commit)
        #expect(first.window.currentKey == second.window.currentKey && first.window.text() == second.window.text())
        #expect(theirs.digests == DigestCounters(checked: min(segments, 20), mismatched: 0))
        #expect(theirs.next == ours.next && theirs.log.oldest.position == ours.log.oldest.position)
    }

    @Test("tells others where its term goes on from, also where it does not hold all before that")
    func passedOn() {
        var script = FeedScript()
        script.segments(3)
        script.begin()
        script.part(isIndependent: true)
        let cut = script.entries.count
        script.part()
        let known = script
        script.takeOver()
        script.segments(3)
        let term = FeedPosition(term: script.term, number: 0)
        let end = FeedPosition(term: known.term, number: UInt64(known.entries.count))
        // A parent that lacks the last part, and a child that lacks it, too, and heard of a term that came to nothing.
        var parent = feed(of: known)
        for entry in known.entries[..<cut] { parent.append(entry.record, at: entry.position) }
        var child = parent
        child.begin(FeedStart(position: FeedPosition(term: Self.void, number: 0), continues: parent.next))
        parent.begin(FeedStart(position: term, continues: end))
        for entry in script.entries where entry.position.term == script.term {
            parent.append(entry.record, at: entry.position)
        }
        #expect(parent.log.resumption(from: child.next) == .gone && parent.log.oldest.continues == end)
    }

    private static let void = Term(number: 0x19a, salt: 0xffff)

    @Test("notices a segment that hashes to something else than its gateway stated")
    func mismatch() {
        var script = FeedScript()
        script.segments(4)
        let ours = gateway(script)
        var theirs = feed(.verifies(oneIn: 2), of: script)
        for place in ours.log.firstPlace..<ours.log.endPlace {
            guard var record = ours.log[place: place] else { continue }
            if case .partEnd(var mark) = record, mark.closesSegment {
                mark.digests = mark.digests.map { SegmentDigest(rendition: $0.rendition, sha256: [1]) }
                record = .partEnd(mark)
            }
            theirs.append(record, at: theirs.next)
        }
        #expect(theirs.digests == DigestCounters(checked: 2, mismatched: 2))
    }
}
