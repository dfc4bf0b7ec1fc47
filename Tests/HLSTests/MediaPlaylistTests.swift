// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Testing

@Suite("A media playlist")
struct MediaPlaylistTests {
    @Test("lists segments, the parts of the last three target durations, and the part to come")
    func lowLatency() throws {
        var script = FeedScript()
        script.segments(4)
        script.begin()
        script.part(isIndependent: true)
        #expect(script.window().text() == Self.lowLatencyText)
    }

    @Test("goes by whole segments where the stream has no parts")
    func withoutParts() throws {
        var script = FeedScript(partTarget: nil)
        script.segments(3)
        script.begin()
        script.part(isIndependent: true)
        #expect(script.window().text() == Self.withoutPartsText)
    }

    @Test("ends with EXT-X-ENDLIST and hints at nothing")
    func end() throws {
        var script = FeedScript()
        script.segments(3)
        script.append(.end(.stopped))
        let text = try #require(script.window().text())
        #expect(text.hasSuffix("#EXTINF:1.920000,\n19a-beef/102.m4s\n#EXT-X-ENDLIST\n"))
        #expect(!text.contains("PRELOAD-HINT"))
    }

    @Test("of a stream that ended at once has its longest segment as target duration")
    func earlyEnd() throws {
        var script = FeedScript()
        script.segment(parts: 3)
        script.append(.end(.publisherGone))
        let text = try #require(script.window().text())
        #expect(text.contains("#EXT-X-TARGETDURATION:1\n"))
        #expect(text.hasSuffix("19a-beef/100.m4s\n#EXT-X-ENDLIST\n"))
    }

    @Test("is not there before two whole segments and a target duration")
    func gate() throws {
        var script = FeedScript()
        script.segments(2)
        #expect(script.window().currentKey == nil)
        script.begin()
        #expect(script.window().currentKey == PlaylistKey(position: PartPosition(msn: 101, part: 3)))
        let three = MediaWindowSettings(segmentsBeforeFirstPlaylist: 3)
        #expect(script.window(three).currentKey == nil)
    }

    @Test("first shows a discontinuity and an init section together with the part behind them")
    func discontinuity() throws {
        var script = FeedScript()
        script.segments(3)
        script.changeParameters([FeedScript.video(), FeedScript.audio()])
        script.begin(isDiscontinuity: true)
        let before = try #require(script.window().text())
        #expect(!before.contains("#EXT-X-DISCONTINUITY\n"))
        #expect(before.hasSuffix("102.m4s\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"19a-beef/103.0.m4s\"\n"))
        script.part(isIndependent: true)
        let after = try #require(script.window().text())
        let lines = after.split(separator: "\n").suffix(5)
        #expect(lines.first == "#EXT-X-DISCONTINUITY")
        #expect(lines.dropFirst().first == "#EXT-X-MAP:URI=\"19a-beef/init-1.mp4\"")
        #expect(after.contains("#EXT-X-DISCONTINUITY-SEQUENCE:0\n"))
    }

    @Test("counts a discontinuity once its segment has gone")
    func discontinuitySequence() throws {
        var script = FeedScript()
        script.segments(2)
        script.segment(isDiscontinuity: true)
        script.segments(9)
        let last = try #require(script.window().text())
        #expect(last.contains("#EXT-X-MEDIA-SEQUENCE:102\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n"))
        #expect(last.contains("#EXT-X-DISCONTINUITY\n#EXT-X-MAP"))
        script.segment()
        let gone = try #require(script.window().text())
        #expect(gone.contains("#EXT-X-MEDIA-SEQUENCE:103\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n"))
        #expect(!gone.contains("#EXT-X-DISCONTINUITY\n"))
    }

    @Test("marks a segment that nobody holds as a gap and counts its time")
    func gap() throws {
        var script = FeedScript()
        script.segments(3)
        script.gap(.seconds(2))
        let text = try #require(script.window().text())
        #expect(
            text.contains(
                """
                #EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:45.760Z
                #EXT-X-GAP
                #EXTINF:2.000000,
                19a-beef/103.m4s
                #EXT-X-PRELOAD-HINT:TYPE=PART,URI="19a-beef/104.0.m4s"

                """))
    }

    @Test("names the init section and the segments of each term by that term, and what it cuts off as a whole")
    func terms() throws {
        var script = FeedScript()
        script.segments(3)
        script.begin()
        script.part(isIndependent: true)
        script.takeOver()
        script.segment()
        let text = try #require(script.window().text())
        #expect(text.contains("#EXTINF:0.480000,\n19b-7/103.m4s\n#EXT-X-MAP:URI=\"19b-7/init-0.mp4\"\n"))
        #expect(text.contains("19b-7/104.m4s") && text.contains("19a-beef/103.0.m4s"))
        #expect(!text.contains("#EXT-X-DISCONTINUITY\n"))
    }

    @Test("puts the CDN's base before segments, and only there")
    func cdn() throws {
        var script = FeedScript()
        script.cdnBase = "https://cdn.example"
        script.segments(3)
        let text = try #require(script.window().text())
        #expect(text.contains("\nhttps://cdn.example/live/cam/main/19a-beef/102.m4s\n"))
        #expect(text.contains("URI=\"19a-beef/102.3.m4s\""))
    }

    @Test("puts the query of the CDN's base behind segments, and leads to the CDN from the segment on that says so")
    func cdnQuery() throws {
        var script = FeedScript()
        script.segments(2)
        script.cdnBase = "https://cdn.example?Policy=a_b&Signature=c"
        script.segments(1)
        let text = try #require(script.window().text())
        #expect(
            PlaylistLines(Array(text.utf8)).lines.filter { !$0.hasPrefix("#") } == [
                "19a-beef/100.m4s", "19a-beef/101.m4s",
                "https://cdn.example/live/cam/main/19a-beef/102.m4s?Policy=a_b&Signature=c",
            ])
    }

    @Test("reports where the other renditions stand")
    func reports() throws {
        let small = try #require(RenditionName(parsing: "small"))
        var script = FeedScript(tracks: [FeedScript.video(), FeedScript.video(small, id: 3)])
        script.segments(3)
        script.begin()
        script.part(isIndependent: true)
        let main = try #require(script.window().text())
        #expect(main.hasSuffix("#EXT-X-RENDITION-REPORT:URI=\"../small/media.m3u8\",LAST-MSN=103,LAST-PART=0\n"))
        let other = try #require(script.window().text(rendition: small))
        #expect(other.hasSuffix("#EXT-X-RENDITION-REPORT:URI=\"../main/media.m3u8\",LAST-MSN=103,LAST-PART=0\n"))
        #expect(script.window().text(102, 3)?.hasSuffix("LAST-MSN=102,LAST-PART=3\n") == true)
    }

    @Test("does not claim independent segments where one was cut without a random access point")
    func forcedCut() throws {
        var script = FeedScript()
        script.segments(3)
        #expect(script.window().text()?.contains("#EXT-X-INDEPENDENT-SEGMENTS\n") == true)
        script.segment(isIndependent: false)
        let text = try #require(script.window().text())
        #expect(!text.contains("#EXT-X-INDEPENDENT-SEGMENTS"))
        #expect(text.contains("URI=\"19a-beef/103.0.m4s\"\n"))
    }

    @Test(
        "rounds PART-TARGET up to the millisecond and holds back three of it",
        arguments: [(333_333_333, "0.334", "1.002"), (500_000_000, "0.500", "1.500"), (200_000_000, "0.200", "0.600")])
    func partTarget(nanoseconds: Int, target: String, holdBack: String) throws {
        var script = FeedScript(partTarget: .nanoseconds(nanoseconds))
        script.segments(3)
        let text = try #require(script.window().text())
        #expect(text.contains("PART-TARGET=\(target)\n"))
        #expect(text.contains("PART-HOLD-BACK=\(holdBack),"))
    }

    @Test("as a delta update is the full one without the segments before the skip boundary")
    func delta() throws {
        var script = FeedScript()
        script.segments(10)
        let window = script.window()
        let delta = try #require(window.text(isDelta: true))
        // 19.2 s in all, the boundary at 12 s from the end: three segments end before 7.2 s.
        #expect(delta.contains("#EXT-X-VERSION:9\n"))
        #expect(delta.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n"))
        #expect(!delta.contains("102.m4s"))
        #expect(delta.contains("103.m4s"))
        script.append(.end(.stopped))
        #expect(script.window().text(isDelta: true)?.contains("EXT-X-SKIP") == false)
    }

    static let lowLatencyText = """
        #EXTM3U
        #EXT-X-VERSION:6
        #EXT-X-TARGETDURATION:2
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500,HOLD-BACK=6.000,CAN-SKIP-UNTIL=12.000
        #EXT-X-PART-INF:PART-TARGET=0.500
        #EXT-X-MEDIA-SEQUENCE:100
        #EXT-X-DISCONTINUITY-SEQUENCE:0
        #EXT-X-INDEPENDENT-SEGMENTS
        #EXT-X-MAP:URI="19a-beef/init-0.mp4"
        #EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:40.000Z
        #EXTINF:1.920000,
        19a-beef/100.m4s
        #EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:41.920Z
        #EXTINF:1.920000,
        19a-beef/101.m4s
        #EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:43.840Z
        #EXT-X-PART:DURATION=0.480000,URI="19a-beef/102.0.m4s",INDEPENDENT=YES
        #EXT-X-PART:DURATION=0.480000,URI="19a-beef/102.1.m4s"
        #EXT-X-PART:DURATION=0.480000,URI="19a-beef/102.2.m4s"
        #EXT-X-PART:DURATION=0.480000,URI="19a-beef/102.3.m4s"
        #EXTINF:1.920000,
        19a-beef/102.m4s
        #EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:45.760Z
        #EXT-X-PART:DURATION=0.480000,URI="19a-beef/103.0.m4s",INDEPENDENT=YES
        #EXT-X-PART:DURATION=0.480000,URI="19a-beef/103.1.m4s"
        #EXT-X-PART:DURATION=0.480000,URI="19a-beef/103.2.m4s"
        #EXT-X-PART:DURATION=0.480000,URI="19a-beef/103.3.m4s"
        #EXTINF:1.920000,
        19a-beef/103.m4s
        #EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:47.680Z
        #EXT-X-PART:DURATION=0.480000,URI="19a-beef/104.0.m4s",INDEPENDENT=YES
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI="19a-beef/104.1.m4s"

        """

    static let withoutPartsText = """
        #EXTM3U
        #EXT-X-VERSION:6
        #EXT-X-TARGETDURATION:2
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=6.000,CAN-SKIP-UNTIL=12.000
        #EXT-X-MEDIA-SEQUENCE:100
        #EXT-X-DISCONTINUITY-SEQUENCE:0
        #EXT-X-INDEPENDENT-SEGMENTS
        #EXT-X-MAP:URI="19a-beef/init-0.mp4"
        #EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:40.000Z
        #EXTINF:1.920000,
        19a-beef/100.m4s
        #EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:41.920Z
        #EXTINF:1.920000,
        19a-beef/101.m4s
        #EXT-X-PROGRAM-DATE-TIME:2026-11-18T11:06:43.840Z
        #EXTINF:1.920000,
        19a-beef/102.m4s

        """
}
