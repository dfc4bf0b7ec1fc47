// SPDX-License-Identifier: Apache-2.0

import Cluster
import HLS
import Identity
import Testing

@Suite("A steering manifest")
struct SteeringManifestTests {
    @Test("is JSON as RFC 8216bis §7.2 has it")
    func text() {
        var manifest = SteeringManifest(life: .seconds(10), priority: ["a.b", "CDN"])
        #expect(
            String(decoding: manifest.text, as: UTF8.self)
                == #"{"VERSION":1,"TTL":10,"PATHWAY-PRIORITY":["a.b","CDN"]}"#)
        manifest.clones = [SteeringManifest.Clone(base: "a.b", id: "c", host: "c:8080\"\n\\")]
        #expect(
            String(decoding: manifest.text, as: UTF8.self)
                == #"{"VERSION":1,"TTL":10,"PATHWAY-PRIORITY":["a.b","CDN"],"PATHWAY-CLONES":[{"BASE-ID":"a.b","ID":"c","#
                + #""URI-REPLACEMENT":{"HOST":"c:8080"}}]}"#)
    }

    @Test(
        "is asked for with what the player uses and what its playlist names",
        arguments: [
            ("at=a,b&_HLS_pathway=b&_HLS_throughput=5", "b", ["a", "b"]),
            ("_HLS_pathway=%22b.c%22&at=a%2Cb", "b.c", ["a", "b"]), ("_HLS_pathway=\"b\"", "b", []),
            ("", nil, []), ("at", nil, []), ("at=&_HLS_pathway=", nil, []), ("at=a;b,c&_HLS_pathway=%2F", nil, ["c"]),
            ("at=" + String(repeating: "x", count: 97) + ",y", nil, ["y"]),
        ] as [(String, String?, [String])])
    func query(text: String, pathway: String?, named: [String]) {
        let query = SteeringQuery(parsing: Array(text.utf8))
        #expect(query.pathway == pathway)
        #expect(query.named == named)
    }

    @Test("is asked for with anything, cut anywhere")
    func truncation() {
        let whole = Array("at=a%2Cb,c&_HLS_pathway=%22b%22&_HLS_throughput=5&at=\u{e9}".utf8)
        for end in whole.indices { #expect(SteeringQuery(parsing: whole[..<end]).named.count <= 3) }
        let many = Array(("at=" + (0..<1000).map { "a\($0)" }.joined(separator: ",")).utf8)
        #expect(SteeringQuery(parsing: many).named.count == 16)
        #expect(SteeringQuery(parsing: Array("at=a,b,a".utf8)).named == ["a", "b"])
    }

    @Test("is named by the multivariant playlist of several pathways")
    func playlist() throws {
        let stream = try StreamID(parsing: "live/café")
        let variant = StreamVariant(
            rendition: .main, peakBandwidth: 2, averageBandwidth: 1, codecs: "opus", width: 0, height: 0, frameRate: 0,
            range: nil)
        let pathways = [("e1", "http://e1/~t"), ("CDN", "https://cdn")].map {
            MultivariantPlaylist.Pathway(id: $0.0, base: $0.1)
        }
        let playlist = MultivariantPlaylist(
            of: stream, variants: [variant], at: pathways, steering: .absolute("/~t"))
        #expect(
            PlaylistLines(try #require(playlist).text).lines == [
                "#EXTM3U", "#EXT-X-VERSION:6",
                "#EXT-X-CONTENT-STEERING:SERVER-URI=\"/~t/live/caf%C3%A9/steering.json?at=e1,CDN\",PATHWAY-ID=\"e1\"",
                "#EXT-X-STREAM-INF:BANDWIDTH=2,AVERAGE-BANDWIDTH=1,CODECS=\"opus\",PATHWAY-ID=\"e1\"",
                "http://e1/~t/live/caf%C3%A9/main/media.m3u8",
                "#EXT-X-STREAM-INF:BANDWIDTH=2,AVERAGE-BANDWIDTH=1,CODECS=\"opus\",PATHWAY-ID=\"CDN\"",
                "https://cdn/live/caf%C3%A9/main/media.m3u8",
            ])
    }
}
