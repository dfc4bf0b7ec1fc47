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
        manifest = SteeringManifest(life: .seconds(2), priority: ["a"], reload: "steering.json?at=a&was=a")
        #expect(
            String(decoding: manifest.text, as: UTF8.self)
                == #"{"VERSION":1,"TTL":2,"RELOAD-URI":"steering.json?at=a&was=a","PATHWAY-PRIORITY":["a"]}"#)
    }

    @Test(
        "is told what was measured, in bits a second",
        arguments: [
            ("5140000", 5_140_000), ("0", 0), ("999999999999999", 999_999_999_999_999), ("1000000000000000", nil),
            ("-1", nil), ("+1", nil), ("1.5", nil), ("1e6", nil), ("\u{661}", nil), ("", nil),
            ("99999999999999999999999", nil),
        ] as [(String, UInt64?)])
    func measured(text: String, throughput: UInt64?) {
        #expect(SteeringQuery(parsing: Array("_HLS_throughput=\(text)".utf8)).throughput == throughput)
    }

    @Test("is asked for again with what a server does not remember, as players write it")
    func reload() throws {
        let slow = [
            SteeringQuery.Slow(pathway: "b-1.c", throughput: 400_000, requests: 30),
            SteeringQuery.Slow(pathway: "CDN", throughput: 0, requests: 1),
        ]
        let first = SteeringQuery(parsing: Array("at=a,CDN&_HLS_pathway=a&_HLS_throughput=7".utf8))
        #expect(first.former == nil && first.slow.isEmpty)
        #expect(first.reload(slow: []) == "steering.json?at=a,CDN&was=a")
        let text = try #require(first.reload(slow: slow))
        #expect(text == "steering.json?at=a,CDN&was=a&slow=b-1.c*400000*30,CDN*0*1")
        let query = String(try #require(text.split(separator: "?").last))
        for written in [query, query.replacing(",", with: "%2C"), query.replacing("*", with: "%2A")] {
            let again = SteeringQuery(parsing: Array("\(written)&_HLS_pathway=CDN".utf8))
            #expect(again.slow == slow && again.former == "a" && again.pathway == "CDN" && again.named == ["a", "CDN"])
        }
        #expect(SteeringQuery(parsing: Array("_HLS_pathway=a".utf8)).reload(slow: slow) == nil)
        for bad in ["a", "a*1", "a*1*2*3", "a*-1*2", "/*1*2", "a*1*x", "*1*2", "a**2"] {
            #expect(SteeringQuery(parsing: Array("slow=\(bad)".utf8)).slow.isEmpty, "\(bad)")
        }
        #expect(
            SteeringQuery(parsing: Array("slow=a*1*999999999999999".utf8)).slow.first?.requests == 999_999_999_999_999)
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
        let whole = Array("at=a%2Cb,c&_HLS_pathway=%22b%22&_HLS_throughput=5&was=b&slow=a*1*2,b*3*4&at=\u{e9}".utf8)
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
