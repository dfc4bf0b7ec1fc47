// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Media
import Testing

@Suite("A media window over several terms")
struct MediaWindowTermTests {
    @Test("gives up parts that a newer term never heard of, cuts the segment off there, and has gaps begin there")
    func takeover() throws {
        for gaps in [0, 2] { try takeover(gaps: gaps) }
    }

    private func takeover(gaps: Int) throws {
        var script = FeedScript()
        script.segments(3)
        script.begin()
        script.part(isIndependent: true)
        let known = script
        script.part()
        var window = MediaWindow(stream: FeedScript.stream)
        for entry in script.entries { window.append(entry.record, at: entry.position) }
        window.commit(upTo: PartPosition(msn: 103, part: 0))
        var next = known
        next.takeOver()
        for _ in 0..<gaps { next.gap() }
        next.segment()
        for entry in next.entries where entry.position.term == next.term { FeedScript.play(entry, into: &window) }
        #expect(window.text() == next.window().text())
        // The former gateway may have closed the segment with more parts: it is another under another name.
        #expect(window.writtenSegment(103, term: next.term, rendition: .main)?.count == 1)
        #expect(window.writtenSegment(103, term: script.term, rendition: .main) == nil)
        #expect(window.writtenPart(PartPosition(msn: 103, part: 0), term: script.term, rendition: .main) != nil)
    }

    @Test("shows no playlist that goes back where a newer term takes back what was listed only here")
    func takenBack() throws {
        var script = FeedScript()
        script.segments(3)
        script.begin()
        script.part(isIndependent: true)
        var next = script
        // The former gateway, cut off from the others, goes on alone.
        script.part(closes: true)
        script.segments(3)
        var window = script.window()
        let listed = try #require(window.currentKey)
        next.takeOver()
        for entry in next.entries where entry.position.term == next.term { FeedScript.play(entry, into: &window) }
        #expect(window.currentKey == listed)
        let before = next.entries.count
        next.segments(2)
        for entry in next.entries[before...] { FeedScript.play(entry, into: &window) }
        #expect(window.currentKey == nil && window.writtenSegment(103, term: next.term, rendition: .main)?.count == 1)
        let circumstances = BlockingReload.Circumstances()
        let answer = BlockingReload.directive(
            for: .mediaPlaylist(.main), window: window, circumstances: circumstances)
        guard case .wait = answer else { return #expect(Bool(false), "\(answer)") }
        let then = next.entries.count
        next.segments(3)
        for entry in next.entries[then...] { FeedScript.play(entry, into: &window) }
        #expect(try #require(window.currentKey).position > listed.position && window.text() == next.window().text())
    }

    @Test("gives no two contents to a segment that a newer term cuts off only by its end")
    func endedElsewhere() throws {
        var known = FeedScript()
        known.segments(3)
        known.begin()
        known.part(isIndependent: true)
        let last = known.entries[known.entries.count - 1].position
        var next = known
        next.takeOver()
        next.append(.end(.publisherGone))
        // Whoever was cut off together with the former gateway holds more, and not all of them the same.
        var more = known
        more.part()
        var most = more
        most.part(closes: true)
        most.begin()
        most.part(isIndependent: true)
        for script in [known, more, most] {
            var window = script.window()
            window.goOn(from: FeedPosition(term: last.term, number: last.number + 1))
            for entry in next.entries where entry.position.term == next.term { FeedScript.play(entry, into: &window) }
            let cutOff = window.writtenSegment(103, term: next.term)
            #expect(window.isEnded && cutOff?.count ?? 1 == 1)
            #expect(window.writtenSegment(104, term: next.term) == nil)
        }
    }

    @Test("forgets an end that a newer term never heard of")
    func endTakenBack() throws {
        var script = FeedScript()
        script.segments(4)
        var next = script
        var window = script.window()
        script.append(.end(.shutdown))
        window.append(.end(.shutdown), at: script.entries[script.entries.count - 1].position)
        #expect(window.isEnded)
        window.goOn(from: script.entries[script.entries.count - 1].position)
        next.takeOver()
        next.segments(2)
        for entry in next.entries where entry.position.term == next.term { FeedScript.play(entry, into: &window) }
        #expect(!window.isEnded && window.text() == next.window().text())
    }

    /// Three segments, two parts of the fourth, and where they end.
    private static func cut() -> (script: FeedScript, end: FeedPosition) {
        var script = FeedScript()
        script.segments(3)
        script.begin()
        script.part(isIndependent: true)
        script.part()
        let end = FeedPosition(term: script.term, number: UInt64(script.entries.count))
        return (script, end)
    }

    @Test("names a segment by the term that goes on behind it, not by one between that came to nothing")
    func twoTakeovers() throws {
        let (known, end) = Self.cut()
        var second = known
        second.takeOver()
        second.begin()
        var third = known
        third.takeOver(above: 2)
        let voids = second.entries[known.entries.count...]
        let (near, far) = (known.window(), known.window())
        for isEnded in [false, true] {
            var next = third
            if isEnded { next.append(.end(.publisherGone)) } else { next.segments(2) }
            let texts = [(near, voids), (far, voids.prefix(0))].map { held, heard -> String? in
                var window = held
                for entry in heard { FeedScript.play(entry, into: &window) }
                window.goOn(from: end)
                for entry in next.entries[known.entries.count...] { FeedScript.play(entry, into: &window) }
                #expect(window.writtenSegment(103, term: next.term, rendition: .main)?.count == 2)
                return window.text()
            }
            #expect(texts[0] == texts[1] && texts[0]?.contains("\(next.term)/103.m4s") ?? false)
        }
    }

    @Test("forgets an end of a term that came to nothing")
    func voidEnd() {
        let (known, end) = Self.cut()
        var window = known.window()
        var second = known
        second.takeOver()
        second.append(.end(.publisherGone))
        for entry in second.entries[known.entries.count...] { FeedScript.play(entry, into: &window) }
        #expect(window.isEnded)
        window.goOn(from: end)
        var third = known
        third.takeOver(above: 2)
        third.segments(2)
        #expect(!window.isEnded)
        for entry in third.entries[known.entries.count...] { FeedScript.play(entry, into: &window) }
        #expect(!window.isEnded && window.text() == third.window().text())
    }

    @Test("begins anew where a term goes on from more parts than are held")
    func lackingParts() throws {
        let (known, _) = Self.cut()
        var next = known
        next.takeOver()
        next.segments(12)
        // Its last part never came here.
        let lacking = known.entries.dropLast()
        var window = MediaWindow(stream: FeedScript.stream)
        for entry in lacking { FeedScript.play(entry, into: &window) }
        for entry in next.entries[known.entries.count...] { FeedScript.play(entry, into: &window) }
        #expect(window.writtenSegment(103, term: next.term, rendition: .main) == nil)
        #expect(try #require(window.text()).contains("103.m4s") == false)
    }

    @Test("lists nothing held with a term that goes on from nothing or from what is not held, and names nothing by it")
    func foreignTerm() throws {
        let (known, end) = Self.cut()
        var foreign = known
        foreign.takeOver()
        // The end of the stream, or the term between, was never heard of here.
        for continues in [nil, FeedPosition(term: foreign.term, number: 7), FeedPosition(term: end.term, number: 900)] {
            for isEnded in [false, true] {
                var next = known
                next.takeOver(above: 2)
                if isEnded { next.append(.end(.publisherGone)) } else { next.segments(12) }
                var (window, late) = (known.window(), MediaWindow(stream: FeedScript.stream))
                window.goOn(from: continues)
                for entry in next.entries[known.entries.count...] {
                    window.append(entry.record, at: entry.position)
                    late.append(entry.record, at: entry.position)
                }
                if !isEnded {
                    window.commit(upTo: PartPosition(msn: 115, part: 3))
                    late.commit(upTo: PartPosition(msn: 115, part: 3))
                    #expect(window.text() == late.text() && window.text()?.contains("/103.") == false)
                }
                #expect(window.writtenSegment(103, term: next.term) == nil)
                #expect(!isEnded || window.writtenSegment(102, term: known.term) != nil)
            }
        }
    }

    @Test(
        "goes on in a newer term behind a closed segment, one that a mark without media ended, and a gap",
        arguments: 0..<3)
    func lastMark(kind: Int) throws {
        var script = FeedScript()
        script.segments(3)
        script.begin()
        script.part(closes: kind != 1, isIndependent: true)
        if kind == 1 { script.cutOff() }
        if kind == 2 { script.gap() }
        let former = script.term
        script.takeOver()
        script.segments(2)
        let text = try #require(script.window().text())
        #expect(text.contains("\(former)/103.m4s") && text.contains("\(script.term)/\(kind == 2 ? 106 : 105).m4s"))
        #expect(text.contains("#EXT-X-GAP\n") == (kind == 2))
    }

    @Test("begins a new life after the end, and still has the media of the old one")
    func newLife() throws {
        var script = FeedScript()
        script.segments(3)
        let old = script.term
        script.beginAnew(targetDuration: 4)
        script.segments(3)
        let window = script.window()
        let text = try #require(window.text())
        #expect(text.contains("#EXT-X-TARGETDURATION:4\n#"))
        #expect(!text.contains("ENDLIST"))
        #expect(text.contains("#EXT-X-MEDIA-SEQUENCE:103\n"))
        #expect(window.writtenSegment(101, term: old, rendition: .main) != nil)
    }
}
