// SPDX-License-Identifier: Apache-2.0

import CMAF
import Feed
import HLS
import Identity
import Media
import Testing

@Suite("Playlists of layers")
struct LayerPlaylistTests {
    private static let small = RenditionName(parsing: "l") ?? .main
    private static let low = FeedScript.video(small, id: 3, size: (320, 180))

    private func script() -> FeedScript {
        FeedScript(tracks: [FeedScript.video(), FeedScript.audio(), Self.low])
    }

    @Test("describe each layer with its own size and bandwidth, and the sound with both")
    func variants() throws {
        var script = script()
        script.segments(3)
        let window = script.window()
        #expect(window.variants.map(\.rendition) == [.main, Self.small])
        #expect(window.variants.map { $0.resolution?.width } == [1280, 320])
        #expect(window.variants.allSatisfy { $0.codecs == "avc1.64001f,mp4a.40.2" && $0.frameRate == 25 })
        for variant in window.variants {
            let chunks = try #require(window.writtenSegment(101, term: script.term, rendition: variant.rendition))
            #expect(abs(Double(chunks.joined().count) * 8 / 1.92 / Double(variant.averageBandwidth) - 1) < 0.2)
        }
        let part = try #require(
            window.writtenPart(PartPosition(msn: 101, part: 0), term: script.term, rendition: Self.small))
        let box = try #require(BoxReader(part[...]).first { $0.type == .moof })
        #expect(try MovieFragment(box).tracks.map(\.track.number) == [3, 2])
    }

    @Test("show a layer that is not sent as gaps, and the others as ever")
    func gaps() throws {
        var script = script()
        script.segments(4)
        script.begin()
        script.part(isIndependent: true)
        script.part(without: [.video])
        script.part(without: [.video])
        let open = script.window()
        let main = try #require(open.text())
        #expect(PlaylistLines(Array(main.utf8)).lines.count { $0.hasSuffix(",GAP=YES") } == 2)
        #expect(!main.contains("#EXT-X-GAP"))
        #expect(open.text(rendition: Self.small)?.contains("GAP") == false)
        script.part(closes: true, without: [.video])
        script.begin()
        script.part(isIndependent: true)
        let window = script.window()
        let text = try #require(window.text())
        #expect(text.contains("#EXT-X-GAP\n#EXT-X-PART"))
        #expect(window.text(rendition: Self.small)?.contains("GAP") == false)
        #expect(window.variants.map(\.rendition) == [Self.small])
        #expect(window.renditions(of: 104) == [Self.small] && window.renditions(of: 103) == [.main, Self.small])
    }

    @Test("take a picture that the short end of a segment has no room for as nothing")
    func shortEnd() throws {
        var script = script()
        script.segments(3)
        script.begin()
        script.part(isIndependent: true)
        script.part(closes: true, frames: 1, without: [.video])
        let text = try #require(script.window().text())
        #expect(!text.contains("GAP"))
    }

    @Test("of a layer that comes later have gaps before, without an init section")
    func comes() throws {
        var script = FeedScript(tracks: [FeedScript.audio(), Self.low])
        script.segments(3)
        let before = script.window()
        #expect(before.variants.map(\.rendition) == [Self.small])
        #expect(before.text() == nil || before.text()?.contains("#EXT-X-MAP") == false)
        script.changeParameters([FeedScript.video(), FeedScript.audio(), Self.low])
        script.segments(2)
        let window = script.window()
        #expect(window.variants.map(\.rendition) == [.main, Self.small])
        let lines = PlaylistLines(Array(try #require(window.text()).utf8))
        #expect(lines.count("EXT-X-GAP") == 3)
        #expect(lines.count("EXT-X-MAP") == 1)
        #expect(lines.value("EXT-X-MAP")?.contains("init-1.mp4") == true)
        let known = PlaylistLines(Array(try #require(window.text(rendition: Self.small)).utf8))
        #expect(known.count("EXT-X-GAP") == 0)
        #expect(known.count("EXT-X-MAP") == 2)
        #expect(known.count("EXT-X-DISCONTINUITY:") == 0)
    }

    @Test("of a layer that has left are gaps as long as anything of it is listed, and have no part to come")
    func leaves() throws {
        var script = script()
        script.segments(3)
        script.changeParameters([FeedScript.audio(), Self.low])
        script.segments(2)
        let window = script.window()
        #expect(window.variants.map(\.rendition) == [Self.small])
        let text = try #require(window.text())
        #expect(PlaylistLines(Array(text.utf8)).count("EXT-X-GAP") == 2)
        #expect(!text.contains("PRELOAD-HINT"))
        #expect(window.text(rendition: Self.small)?.contains("PRELOAD-HINT") == true)
    }

    @Test("are the same whenever they are written")
    func pure() throws {
        var script = script()
        script.segments(3)
        script.begin()
        script.part(isIndependent: true)
        script.part(without: [.video])
        script.part(closes: true)
        script.changeParameters([FeedScript.audio(), Self.low])
        script.segments(1)
        script.changeParameters([FeedScript.video(), FeedScript.audio(), Self.low])
        script.begin()
        script.part(without: [.video])
        script.part(isIndependent: true)
        script.part(closes: true)
        script.segments(1)
        let last = script.window()
        var window = MediaWindow(stream: FeedScript.stream)
        for entry in script.entries {
            FeedScript.play(entry, into: &window)
            guard case .partEnd(let mark) = entry.record else { continue }
            for rendition in [RenditionName.main, Self.small] {
                guard let then = window.text(mark.position.msn, mark.position.part, rendition: rendition) else {
                    continue
                }
                let now = last.text(mark.position.msn, mark.position.part, rendition: rendition)
                #expect(then == now, "\(mark.position) \(rendition)")
            }
        }
    }
}
