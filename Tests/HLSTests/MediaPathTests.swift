// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Testing

@Suite("A media path")
struct MediaPathTests {
    static let term = Term(number: 0x19a, salt: 0xbeef)

    @Test(
        "says what is asked of which stream",
        arguments: [
            ("/live/cam/index.m3u8", "live/cam", MediaResource.multivariantPlaylist(isFlat: false)),
            ("/live/cam.m3u8", "live/cam", .multivariantPlaylist(isFlat: true)),
            ("/live/index.m3u8", "live/index", .multivariantPlaylist(isFlat: true)),
            ("/live/room/cam.m3u8", "live/room/cam", .multivariantPlaylist(isFlat: true)),
            ("/live/room/cam/index.m3u8", "live/room/cam", .multivariantPlaylist(isFlat: false)),
            ("/live/cam/main/media.m3u8", "live/cam", .mediaPlaylist(.main)),
            ("/live/a/b/main/media.m3u8", "live/a/b", .mediaPlaylist(.main)),
            ("/live/cam/main/19a-beef/init-3.mp4", "live/cam", .initSection(.main, term, number: 3)),
            ("/live/cam/main/19a-beef/104.m4s", "live/cam", .segment(.main, term, 104)),
            ("/live/a/b/main/19a-beef/104.2.m4s", "live/a/b", .part(.main, term, PartPosition(msn: 104, part: 2))),
            ("/live/cam.flv", "live/cam", .flv), ("/live/c%C3%A4m.flv", "live/cäm", .flv),
            ("/live/cäm.m3u8", "live/cäm", .multivariantPlaylist(isFlat: true)),
        ])
    func parses(target: String, stream: String, resource: MediaResource) throws {
        let path = try MediaPath(parsing: Array(target.utf8)[...])
        #expect(path.stream.description == stream)
        #expect(path.resource == resource)
        #expect(path.token == nil)
    }

    @Test("takes the viewer's token and the query apart")
    func tokenAndQuery() throws {
        let path = try MediaPath(parsing: Array("/~a.b-c/live/cam/main/media.m3u8?_HLS_msn=1".utf8)[...])
        #expect(path.token.map { Array($0) } == Array("a.b-c".utf8))
        #expect(Array(path.query) == Array("_HLS_msn=1".utf8))
        #expect(path.stream == FeedScript.stream)
    }

    @Test("asks for a stream by the bytes of its name before it makes one")
    func known() throws {
        var asked: [String] = []
        let path = try MediaPath(parsing: Array("/live/cam.flv".utf8)[...]) { bytes in
            asked.append(String(decoding: bytes, as: UTF8.self))
            return FeedScript.stream
        }
        #expect(asked == ["live/cam"])
        #expect(path.stream == FeedScript.stream)
    }

    @Test("is the same where its stream is known already, in one place or in many", arguments: [1, 2, 256])
    func memory(places: Int) throws {
        var known = KnownStreams(places: places)
        for _ in 0..<3 {
            for name in ["cam", "room/cam", "c%C3%A4m", "cäm", "cam2"] + (0..<20).map({ "stream-\($0)" }) {
                let target = Array("/~t/live/\(name)/main/media.m3u8?_HLS_msn=1".utf8)[...]
                #expect(try MediaPath(parsing: target, known: &known) == MediaPath(parsing: target), "\(name)")
            }
        }
    }

    @Test("is not known by a name that is none")
    func memoryOfNothing() throws {
        var known = KnownStreams(places: 4)
        for target in ["/api/cam.flv", "/live/\u{301}.flv", "/live//cam.flv"] {
            for _ in 0..<2 {
                #expect(throws: MediaPath.Failure.self) {
                    try MediaPath(parsing: Array(target.utf8)[...], known: &known)
                }
            }
        }
        #expect(known.stream(of: Array("live/cam".utf8)[...]) == nil)
    }

    @Test(
        "refuses what no path may hold",
        arguments: [
            "/live/../cam.m3u8", "/live/./cam.m3u8", "/../cam.m3u8", "/live/..", "/live/%2e%2e/cam.m3u8",
            "/live/c%2Em.m3u8",
            "/live/a%2fb.m3u8", "/live/a%5Cb.m3u8", "/live/a\\b.m3u8", "/live/a%00.m3u8", "/live/a\u{7}.m3u8",
            "/live/a%0d%0a.m3u8", "/live/a b.m3u8", "/live//cam.m3u8", "//live/cam.m3u8", "/live/%.m3u8",
            "/live/%4.m3u8",
            "/live/%zz.m3u8", "/live/%25.m3u8", "/live/%ff.m3u8", "/live/%c3%28.m3u8", "/live/a%3Fb.m3u8",
            "/live/~a.flv",
            "/live/" + String(repeating: "a", count: 124) + ".m3u8",
            "/live/" + String(repeating: "%41", count: 200) + ".flv",
        ])
    func malformed(target: String) {
        #expect(throws: MediaPath.Failure.malformed) { try MediaPath(parsing: Array(target.utf8)[...]) }
    }

    @Test(
        "leaves what is not its own",
        arguments: [
            "", "/", "live/cam.m3u8", "/cam.m3u8", "/live/cam", "/live/cam/", "/live/.m3u8", "/api/v1.m3u8",
            "/api/x/index.m3u8",
            "/live/cam/main/19a-beef/init-03.mp4", "/live/cam/main/19A-beef/1.m4s", "/live/cam/main/19a-beef/01.m4s",
            "/live/cam/main/19a-beef/1.02.m4s", "/live/cam/main/19a-beef/1.2.3.m4s", "/live/cam/main/019a-beef/1.m4s",
            "/live/cam/main/19a/1.m4s", "/live/cam/ma.in/19a-beef/1.m4s", "/cam/main/19a-beef/1.m4s", "/~token",
            "/~t/cam.flv",
            "/live/cam/main/19a-beef/18446744073709551616.m4s", "/live/cam/main/19a-beef/1.4294967296.m4s",
            "/live/cam/main/19a-beef/init-4294967296.mp4", "/live/cam/main/11111111111111111-1/1.m4s",
        ])
    func notMedia(target: String) {
        #expect(throws: MediaPath.Failure.notMedia) { try MediaPath(parsing: Array(target.utf8)[...]) }
    }

    @Test(
        "survives being cut and flipped anywhere",
        arguments: [
            "/~token/live/r%C3%B6om/cam/main/19a-beef/104.2.m4s?x",
            "/live/cam.m3u8?_HLS_msn=1&_HLS_part=2&_HLS_skip=YES",
        ])
    func mutations(target: String) {
        let bytes = Array(target.utf8)
        var parsed = 0
        for end in bytes.indices where (try? MediaPath(parsing: bytes[..<end])) != nil { parsed += 1 }
        for index in bytes.indices {
            for bit in 0..<8 as Range<UInt8> {
                var flipped = bytes
                flipped[index] ^= 1 << bit
                guard let path = try? MediaPath(parsing: flipped[...]) else { continue }
                #expect(!path.stream.description.contains(".."))
                #expect((try? StreamID(parsing: path.stream.description)) == path.stream)
                parsed += 1
            }
        }
        #expect(parsed > 0)
    }
}

@Suite("A playlist query")
struct PlaylistQueryTests {
    @Test(
        "reads its directives in any order and passes over the rest",
        arguments: [
            ("", PlaylistQuery.none), ("a=b&c", .none), ("_HLS_msn=5", PlaylistQuery(msn: 5)),
            ("_HLS_part=2&_HLS_msn=5&_HLS_skip=YES", PlaylistQuery(msn: 5, part: 2, skip: true)),
            ("&&_HLS_skip=v2&", PlaylistQuery(msn: nil, skip: true)), ("_HLS_skip=no", .none),
            ("_HLS_msn=18446744073709551615&_HLS_part=4294967295", PlaylistQuery(msn: .max, part: 4_294_967_295)),
            ("x_HLS_msn=a&_HLS_msnx=b&_HLS_other", .none),
        ])
    func parses(query: String, expected: PlaylistQuery) throws {
        #expect(try PlaylistQuery(parsing: Array(query.utf8)[...]) == expected)
    }

    @Test(
        "refuses what can not be obeyed",
        arguments: [
            "_HLS_part=0", "_HLS_msn=+1", "_HLS_msn=1e3", "_HLS_msn=0x1", "_HLS_msn=%31", "_HLS_msn=1&_HLS_part=",
            "_HLS_msn=1&_HLS_part=4294967296", "_HLS_msn=1&_HLS_part=-1", "_HLS_msn=1&_HLS_part=1&_HLS_part=1",
        ])
    func refuses(query: String) {
        #expect(throws: PlaylistQuery.Malformed.self) { try PlaylistQuery(parsing: Array(query.utf8)[...]) }
    }

    @Test("survives being cut and flipped anywhere")
    func mutations() {
        let bytes = Array("_HLS_msn=184&_HLS_part=12&_HLS_skip=YES".utf8)
        for end in bytes.indices {
            let cut = try? PlaylistQuery(parsing: bytes[..<end])
            #expect(cut?.part == nil || cut?.msn == 184)
            for bit in 0..<8 as Range<UInt8> {
                var flipped = bytes
                flipped[end] ^= 1 << bit
                let query = try? PlaylistQuery(parsing: flipped[...])
                #expect(query?.part == nil || query?.msn != nil)
            }
        }
    }
}
