// SPDX-License-Identifier: Apache-2.0

import Bytes
import CMAF
import Feed
import HLS
import Identity
import Media
import Testing

@Suite("A media window")
struct MediaWindowTests {
    @Test("says when those who wait may have an answer: the first playlist comes with the third segment's start")
    func news() throws {
        var script = FeedScript()
        script.segments(3)
        var window = MediaWindow(stream: FeedScript.stream)
        var firstPlaylist: Int?
        for entry in script.entries {
            let key = window.currentKey
            let reach = window.reach
            let isNews = window.append(entry.record, at: entry.position)
            #expect(isNews == (window.currentKey != key || window.reach != reach))
            if isNews, firstPlaylist == nil, window.currentKey != nil { firstPlaylist = Int(entry.position.number) }
            if case .partEnd(let mark) = entry.record { window.commit(upTo: mark.position) }
        }
        #expect(firstPlaylist == script.starts[2])
        let end = FeedPosition(term: script.term, number: UInt64(script.entries.count))
        let isNews = window.append(.end(.stopped), at: end)
        #expect(isNews)
    }

    @Test("lists only what is committed, and has its bytes before")
    func commit() throws {
        var script = FeedScript()
        script.segments(4)
        var window = MediaWindow(stream: FeedScript.stream)
        for entry in script.entries { window.append(entry.record, at: entry.position) }
        #expect(window.currentKey == nil)
        #expect(window.writtenPart(PartPosition(msn: 103, part: 3), term: script.term, rendition: .main) != nil)
        window.commit(upTo: PartPosition(msn: 102, part: 1))
        #expect(window.currentKey == PlaylistKey(position: PartPosition(msn: 102, part: 1)))
        #expect(window.text()?.contains("102.2.m4s\"\n") == true)
        #expect(window.text()?.contains("PART:DURATION=0.480000,URI=\"19a-beef/102.2.m4s\"") == false)
        window.commit(upTo: PartPosition(msn: 101, part: 0))
        #expect(window.committed == PartPosition(msn: 102, part: 1))
        window.commit(upTo: PartPosition(msn: 900, part: 0))
        #expect(window.committed == PartPosition(msn: 103, part: 3))
    }

    @Test("keeps twice its segments and lets go the rest")
    func retention() throws {
        var script = FeedScript()
        script.segments(60)
        let window = script.window()
        #expect(window.text()?.contains("#EXT-X-MEDIA-SEQUENCE:150\n") == true)
        #expect(window.held == 140...159)
    }

    @Test("lists more than its segments while they are shorter than three target durations")
    func shortSegments() throws {
        var script = FeedScript()
        for _ in 0..<40 { script.segment(parts: 1) }
        let text = try #require(script.window().text())
        // 6 s in segments of 0.48 s are 13.
        #expect(text.contains("#EXT-X-MEDIA-SEQUENCE:127\n"))
    }

    @Test("refuses records of lower terms, and what it has already")
    func fencing() {
        var script = FeedScript()
        script.segments(3)
        var window = script.window()
        let text = window.text()
        for entry in script.entries { FeedScript.play(entry, into: &window) }
        let lower = Term(number: 0x199, salt: 9)
        window.append(.end(.stopped), at: FeedPosition(term: lower, number: 500))
        #expect(window.text() == text)
        #expect(window.endReason == nil)
    }

    @Test("drops a segment in which a record is missing, and everything listed before it")
    func hole() throws {
        var script = FeedScript()
        script.segments(3)
        let lost = script.entries.count + 5
        script.segments(2)
        var window = MediaWindow(stream: FeedScript.stream)
        for (index, entry) in script.entries.enumerated() where index != lost { FeedScript.play(entry, into: &window) }
        #expect(window.currentKey == nil)
        #expect(window.writtenSegment(103, term: script.term, rendition: .main) == nil)
        #expect(window.writtenSegment(104, term: script.term, rendition: .main)?.count == 4)
    }

    @Test("writes a segment as its parts, numbered one after the other over all segments")
    func fragments() throws {
        var script = FeedScript()
        script.segment(parts: 3)
        script.segment(parts: 2, isDiscontinuity: true)
        let window = script.window()
        var numbers: [UInt32] = []
        for (position, term) in script.positions {
            let bytes = try #require(window.writtenPart(position, term: term, rendition: .main))
            let movie = try #require(BoxReader(bytes[...]).first { $0.type == .moof })
            let header = try #require(movie.children.first { $0.type == .mfhd })
            var reader = ByteReader(header.payload.dropFirst(4))
            numbers.append(try reader.uint32())
            #expect(BoxReader(bytes[...]).contains { $0.type == .styp } == (position.part == 0))
            let segment = try #require(window.writtenSegment(position.msn, term: term, rendition: .main))
            #expect(segment[position.part] == bytes)
        }
        #expect(numbers == [1, 2, 3, 4, 5])
    }

    @Test("writes each segment in its own version, and says in the second on one line when its media was")
    func packaging() throws {
        let low = try #require(RenditionName(parsing: "low"))
        var script = FeedScript(tracks: [FeedScript.video(), FeedScript.audio(), FeedScript.audio(low, id: 3)])
        script.segments(2)
        script.packaging = 2
        script.segments(2)
        let window = script.window()
        for (position, term) in script.positions {
            let isTold = position.msn >= 102 && position.part == 0
            for rendition in [RenditionName.main, low] {
                let bytes = try #require(window.writtenPart(position, term: term, rendition: rendition))
                let box = BoxReader(bytes[...]).first { $0.type == .prft }
                #expect((box != nil) == isTold, "\(position)")
                guard let box else { continue }
                var reader = ByteReader(box.payload.dropFirst(8))
                let (seconds, fraction, media) = (try reader.uint32(), try reader.uint32(), try reader.uint64())
                let ntp = Double(seconds) + Double(fraction) / 4_294_967_296
                let civil = ntp - 2_208_988_800 - Double(media) / (rendition == .main ? 90_000 : 48_000)
                #expect(abs(civil - 1_795_000_000) < 1e-5, "\(position) \(rendition)")
            }
        }
    }

    @Test("has an init section for each rendition and each parameters, and none without tracks")
    func initSections() throws {
        let small = try #require(RenditionName(parsing: "small"))
        var script = FeedScript(tracks: [FeedScript.video(), FeedScript.audio(), FeedScript.video(small, id: 3)])
        script.segments(2)
        script.changeParameters([FeedScript.video(), FeedScript.audio()])
        script.segment(isDiscontinuity: true)
        let window = script.window()
        let both = try #require(window.writtenInit(0, term: script.term, rendition: .main))
        // The sound is shared.
        #expect(both.count == window.writtenInit(0, term: script.term, rendition: small)?.count)
        #expect(window.writtenInit(1, term: script.term, rendition: .main) == both)
        #expect(window.writtenInit(1, term: script.term, rendition: small) == nil)
        #expect(window.writtenInit(2, term: script.term, rendition: .main) == nil)
        #expect(window.writtenPart(PartPosition(msn: 102, part: 0), term: script.term, rendition: small) == nil)
    }

    @Test("takes durations of any size without a trap", arguments: [-5, 0, Int64.max / 2])
    func absurdDurations(seconds: Int64) {
        var script = FeedScript()
        script.segments(3)
        script.begin()
        var window = script.window()
        let number = UInt64(script.entries.count)
        let mark = PartEnd(
            position: PartPosition(msn: 103, part: 0), ends: [], duration: .seconds(seconds), isIndependent: true,
            closesSegment: true)
        window.append(.partEnd(mark), at: FeedPosition(term: script.term, number: number))
        window.append(
            .gap(Gap(msn: 104, duration: .seconds(seconds))), at: FeedPosition(term: script.term, number: number + 1))
        window.commit(upTo: PartPosition(msn: 104, part: 0))
        #expect(window.text() != nil)
    }
}
