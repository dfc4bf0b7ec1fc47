// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Testing

@Suite("A multivariant playlist")
struct MultivariantPlaylistTests {
    @Test("describes each rendition, main first")
    func renditions() throws {
        let low = try #require(RenditionName(parsing: "low"))
        var script = FeedScript(tracks: [FeedScript.video(), FeedScript.audio(), FeedScript.audio(low, id: 3)])
        script.segments(3)
        let lines = try Self.lines(script.window())
        #expect(lines[0...2] == ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"])
        #expect(lines[3].hasPrefix("#EXT-X-STREAM-INF:BANDWIDTH="))
        let main = ",CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=25.000"
        #expect(lines[3].hasSuffix(main))
        #expect(lines[4] == "main/media.m3u8")
        #expect(lines[5].hasSuffix(",CODECS=\"mp4a.40.2\""))
        #expect(lines[6] == "low/media.m3u8")
    }

    @Test("has the bandwidth of the bytes that are written")
    func bandwidth() throws {
        var script = FeedScript()
        script.segments(2)
        script.packaging = 2
        script.segments(3)
        let window = script.window()
        let inf = try Self.lines(window)[3]
        let average = try #require(PlaylistLines.attribute("AVERAGE-BANDWIDTH", inf).flatMap { Double($0) })
        let peak = try #require(PlaylistLines.attribute("BANDWIDTH", inf).flatMap { Double($0) })
        var sizes: [Double] = []
        for msn in 100..<105 as Range<UInt64> {
            let parts = try #require(window.writtenSegment(msn, term: script.term, rendition: .main))
            sizes.append(Double(parts.reduce(0) { $0 + $1.count }))
        }
        #expect(average == (sizes.reduce(0, +) * 8 / 9.6).rounded(.up))
        #expect(peak == ((sizes.max() ?? 0) * 8 / 1.92).rounded(.up))
        #expect(try Self.lines(window)[3] == inf)
    }

    @Test(
        "counts pictures where the parameter sets do not say, or say what is not so",
        arguments: [(nil, "RATE=25.000"), (25.5, "RATE=25.500"), (29.97, "RATE=25.000"), (1000, "RATE=25.000")]
            as [(Double?, String)])
    func frameRate(claimed: Double?, text: String) throws {
        var script = FeedScript(tracks: [FeedScript.video(frameRate: claimed)])
        script.segments(3)
        #expect(try Self.lines(script.window())[3].contains(text))
    }

    @Test("does not claim independent segments where one was cut without a random access point")
    func forcedCut() throws {
        var script = FeedScript()
        script.segments(3)
        script.segment(isIndependent: false)
        #expect(try !Self.lines(script.window()).contains("#EXT-X-INDEPENDENT-SEGMENTS"))
    }

    @Test(
        "writes its addresses",
        arguments: [
            (MultivariantPlaylist.Address.relative, "main/media.m3u8"), (.flat, "cam/main/media.m3u8"),
            (.absolute("https://edge.example/~t0k3n"), "https://edge.example/~t0k3n/live/cam/main/media.m3u8"),
        ])
    func addresses(address: MultivariantPlaylist.Address, uri: String) throws {
        var script = FeedScript()
        script.segments(3)
        #expect(try Self.lines(script.window(), address).last == uri)
    }

    @Test("is not there before the first media playlist")
    func gate() {
        var script = FeedScript()
        script.segments(1)
        #expect(MultivariantPlaylist(of: script.window()) == nil)
    }

    private static func lines(
        _ window: MediaWindow, _ address: MultivariantPlaylist.Address = .relative
    ) throws -> [String] {
        PlaylistLines(try #require(MultivariantPlaylist(of: window, address: address)).text).lines
    }
}
