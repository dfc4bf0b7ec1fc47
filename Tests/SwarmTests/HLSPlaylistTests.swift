// SPDX-License-Identifier: Apache-2.0

import Bytes
import Swarm
import Testing

@Suite("A playlist as a player reads it") struct HLSPlaylistTests {
    @Test("has its parts in their segments, and one segment that still grows")
    func lowLatency() throws {
        let list = try HLSPlaylist(Playlists.lowLatency(first: 7, whole: 3, parts: 2))
        #expect(list.targetDuration == .seconds(2))
        #expect(list.partTarget == .milliseconds(500))
        #expect(list.partHoldBack == .milliseconds(1500))
        #expect(list.holdBack == .seconds(6))
        #expect(list.canBlockReload)
        #expect(list.segments.map(\.msn) == [7, 8, 9, 10])
        #expect(list.segments.map(\.parts.count) == [0, 4, 4, 2])
        #expect(list.segments[2].uri.map(list.string) == "t/9.m4s")
        #expect(list.segments[3].uri == nil)
        #expect(list.segments[3].parts.map(\.isIndependent) == [true, false])
        #expect(list.string(list.segments[3].parts[1].uri) == "t/10.1.m4s")
        #expect(list.segments[3].initSection.map(list.string) == "t/init-1.mp4")
        #expect(list.next == MediaPosition(msn: 10, part: 2))
        #expect(!list.isEnded)
        #expect(list.canSkipUntil == .seconds(12))
        #expect(list.hint.map(list.string) == "t/10.2.m4s")
    }

    @Test("ends with a whole segment, after which the next begins")
    func wholeSegments() throws {
        let list = try HLSPlaylist(Playlists.legacy(first: 3, whole: 5))
        #expect(list.next == MediaPosition(msn: 8, part: 0))
        #expect(list.partTarget == nil)
        #expect(!list.canBlockReload)
        #expect(list.segments.allSatisfy { $0.duration == .milliseconds(2002) })
    }

    @Test("names variants and no segments where it is multivariant")
    func multivariant() throws {
        let text = "#EXTM3U\r\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"a,b\"\r\nmain/media.m3u8\r\n"
        let list = try HLSPlaylist(Array(text.utf8)[...])
        #expect(list.variants.map { list.string($0.uri) } == ["main/media.m3u8"])
        #expect(list.variants.map(\.pathway) == [nil])
        #expect(list.steering == nil)
        #expect(list.segments.isEmpty)
    }

    @Test("names the pathway of each variant, and who steers between them")
    func pathways() throws {
        let list = try HLSPlaylist(Playlists.twoPathways())
        #expect(list.variants.compactMap(\.pathway).map(list.string) == ["edge-1", "edge-1", "edge-2", "edge-2"])
        #expect(list.variants.map { list.string($0.uri) }[2] == "http://b.test/~t/live/x/main/media.m3u8")
        let steering = try #require(list.steering)
        #expect(list.string(steering.server) == "steering.json?at=edge-1,edge-2")
        #expect(steering.pathway.map(list.string) == "edge-1")
    }

    @Test("counts skipped segments, knows gaps, and sees its end")
    func delta() throws {
        let text = """
            #EXTM3U
            #EXT-X-TARGETDURATION:2
            #EXT-X-MEDIA-SEQUENCE:100
            #EXT-X-SKIP:SKIPPED-SEGMENTS=4
            #EXT-X-GAP
            #EXTINF:2.000,
            a.m4s
            #EXTINF:1.5,title
            b.m4s
            #EXT-X-ENDLIST
            """
        let list = try HLSPlaylist(Array(text.utf8)[...])
        #expect(list.skipped == 4)
        #expect(list.segments.map(\.msn) == [104, 105])
        #expect(list.segments.map(\.isGap) == [true, false])
        #expect(list.segments.map(\.duration) == [.seconds(2), .milliseconds(1500)])
        #expect(list.isEnded)
    }

    @Test("is none without its first line")
    func refusal() {
        for text in ["", "#EXTM3", "<html>"] {
            #expect(throws: HLSPlaylist.Failure.self) { try HLSPlaylist(Array(text.utf8)[...]) }
        }
    }

    @Test("survives being cut at any byte, any bit changed, and numbers beyond reason")
    func hostile() throws {
        let bytes = Array(Playlists.lowLatency(first: 7, whole: 3, parts: 2))
        for length in bytes.indices { _ = try? HLSPlaylist(bytes[..<length]) }
        for position in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[position] ^= 1 << bit
                _ = try? HLSPlaylist(changed[...])
            }
        }
        let text = """
            #EXTM3U
            #EXT-X-TARGETDURATION:99999999999999999999
            #EXT-X-MEDIA-SEQUENCE:9999999999999999999
            #EXT-X-SKIP:SKIPPED-SEGMENTS=9999999999999999999
            #EXTINF:99999999999.9999999999999,
            a
            """
        _ = try HLSPlaylist(Array(text.utf8)[...])
    }
}

/// Playlists as our own server and nginx-rtmp write them.
enum Playlists {
    /// Segments of four parts of 0.5 s; parts are listed in the last two whole ones and in the one that grows.
    static func lowLatency(first: Int, whole: Int, parts: Int, ended: Bool = false) -> ByteSlice {
        var text = """
            #EXTM3U
            #EXT-X-VERSION:9
            #EXT-X-TARGETDURATION:2
            #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.500,HOLD-BACK=6.000,CAN-SKIP-UNTIL=12.000
            #EXT-X-PART-INF:PART-TARGET=0.500
            #EXT-X-MEDIA-SEQUENCE:\(first)
            #EXT-X-MAP:URI="t/init-1.mp4"

            """
        for msn in first..<(first + whole) {
            if msn >= first + whole - 2 { text += Self.parts(of: msn, 4) }
            text += "#EXTINF:2.00000,\nt/\(msn).m4s\n"
        }
        text += Self.parts(of: first + whole, parts)
        text += ended ? "#EXT-X-ENDLIST\n" : "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"t/\(first + whole).\(parts).m4s\"\n"
        return Array(text.utf8)[...]
    }

    /// The same as our own server answers who asks for a delta update and needs no more than the last whole segments.
    static func delta(first: Int, whole: Int, parts: Int, skipped: Int) -> ByteSlice {
        let text = String(decoding: lowLatency(first: first, whole: whole, parts: parts), as: UTF8.self)
        var lines = text.split(separator: "\n")
        let start = lines.firstIndex { $0.hasPrefix("#EXT-X-MAP") } ?? 0
        let end = lines.firstIndex { $0 == "t/\(first + skipped - 1).m4s" } ?? 0
        lines.replaceSubrange(start...end, with: ["#EXT-X-SKIP:SKIPPED-SEGMENTS=\(skipped)"])
        return Array((lines.joined(separator: "\n") + "\n").utf8)[...]
    }

    /// Two variants at two edges, as a router writes them.
    static func twoPathways() -> ByteSlice {
        var text =
            "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"steering.json?at=edge-1,edge-2\",PATHWAY-ID=\"edge-1\"\n"
        for (edge, host) in [("edge-1", "a.test"), ("edge-2", "b.test")] {
            for rendition in ["main", "low"] {
                text += "#EXT-X-STREAM-INF:BANDWIDTH=300000,CODECS=\"avc1.42c01f,mp4a.40.2\",PATHWAY-ID=\"\(edge)\"\n"
                text += "http://\(host)/~t/live/x/\(rendition)/media.m3u8\n"
            }
        }
        return Array(text.utf8)[...]
    }

    static func legacy(first: Int, whole: Int) -> ByteSlice {
        var text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-MEDIA-SEQUENCE:\(first)\n#EXT-X-TARGETDURATION:2\n"
        for msn in first..<(first + whole) { text += "#EXTINF:2.002,\nbench-1-\(msn).ts\n" }
        return Array(text.utf8)[...]
    }

    private static func parts(of msn: Int, _ count: Int) -> String {
        (0..<count).map { part in
            "#EXT-X-PART:DURATION=0.50000,URI=\"t/\(msn).\(part).m4s\"\(part == 0 ? ",INDEPENDENT=YES" : "")\n"
        }.joined()
    }
}
