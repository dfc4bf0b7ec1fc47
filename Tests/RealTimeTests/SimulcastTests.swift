// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Feed
import Identity
import Media
import Node
import NodeKit
import Origin
import RTP
import Replica
import TestKit
import Testing
import WebRTC

@Suite("A publisher of simulcast")
struct SimulcastTests {
    @Test("has a rendition for each layer, and what nobody agreed on is counted")
    func renditions() async throws {
        try await publishing { node, peer, layers in
            let parameters = try #require(node.assembly.replicas[demo]?.parameters)
            #expect(parameters.tracks.map(\.id.number) == [1, 3, 4])
            #expect(parameters.tracks.map(\.rendition.description) == ["main", "m", "l"])
            #expect(parameters.leadingTrack?.rendition.description == "l")
            try await eventually("all can be played") {
                layers.send(.milliseconds(500), by: peer)
                try await Task.sleep(for: .milliseconds(50))
                return node.assembly.replicas[demo]?.variants.count == 3
            }
            let playlist = try await node.ask("/live/demo/index.m3u8").text
            for size in ["1280x720", "640x360", "320x180"] { #expect(playlist.contains("RESOLUTION=\(size)")) }
            #expect(node.metric("millrace_webrtc_publisher_layers") == 3)
            let before = node.metric("millrace_webrtc_datagrams_dropped_total", "unnegotiated")
            peer.send(rtp: SimulcastMedia.named("x", SimulcastMedia.packet(source: 999)))
            try await eventually("a layer without a name that was agreed on is passed over") {
                node.metric("millrace_webrtc_datagrams_dropped_total", "unnegotiated") == before + 1
            }
            #expect(try await peer.ask("DELETE").status == 200)
            try await eventually("its layers are gone") { node.metric("millrace_webrtc_publisher_layers") == 0 }
        }
    }

    @Test("that stops a layer keeps the stream, without a discontinuity, and the layer is taken out")
    func stops() async throws {
        try await publishing { node, peer, layers in
            layers.absent = ["h"]
            try await eventually("the largest layer is gone") {
                layers.send(.milliseconds(200), by: peer)
                try await Task.sleep(for: .milliseconds(100))
                return node.assembly.replicas[demo]?.parameters?.tracks.count == 2
            }
            var playlist = ""
            try await eventually("the smallest is listed") {
                layers.send(.milliseconds(200), by: peer)
                try await Task.sleep(for: .milliseconds(50))
                playlist = try await node.ask("/live/demo/l/media.m3u8").text
                return playlist.contains("#EXTINF")
            }
            #expect(!playlist.contains("#EXT-X-DISCONTINUITY\n") && !playlist.contains("GAP"))
        }
    }

    @Test("keeps its layers where the term is taken anew, those with them that it has stopped for now")
    func retaken() async throws {
        try await publishing { node, peer, layers in
            layers.absent = ["h"]
            func sends(_ names: [String], _ what: String) async throws {
                try await eventually("\(what)") {
                    layers.send(.milliseconds(200), by: peer)
                    try await Task.sleep(for: .milliseconds(100))
                    let tracks = node.assembly.replicas[demo]?.parameters?.tracks ?? []
                    return tracks.map(\.rendition.description) == names
                }
            }
            try await sends(["m", "l"], "the largest layer is gone")
            let stream = try #require(node.assembly.streams.all.first)
            let higher = Term(number: stream.term.number + 1000, salt: 3)
            #expect(node.assembly.streams.outdo(stream, higher))
            try await eventually("it has a term above") { stream.hasTerm && stream.term > higher }
            let before = try #require(stream.replica.outlook.reach)
            try await eventually("it goes on in the new term") {
                layers.send(.milliseconds(200), by: peer)
                try await Task.sleep(for: .milliseconds(50))
                return stream.replica.outlook.reach.map { $0.msn > before.msn + 1 } ?? false
            }
            try await sends(["m", "l"], "the two others go on")
            layers.absent = []
            try await sends(["main", "m", "l"], "the largest is back")
        }
    }

    @Test("is one rendition, the largest, while not all nodes write layers")
    func folded() async throws {
        try await TestNode.run {
            $0.cluster.packaging = 2
            $0.webrtc.consentTimeout = .seconds(60)
            $0.webrtc.connectTimeout = .seconds(60)
        } _: { node in
            let (peer, layers) = (SessionPeer(node), SimulcastMedia())
            #expect(try await peer.post(peer.simulcastOffer, to: "/live/demo/whip").status == 201)
            try await peer.handshake()
            try await eventually("it can be played, as large as it is") {
                layers.send(.milliseconds(500), by: peer)
                try await Task.sleep(for: .milliseconds(50))
                let pixels = node.assembly.replicas[demo]?.parameters?.tracks.map(\.pixels)
                return pixels == [1280 * 720] && node.assembly.replicas[demo]?.variants.count == 1
            }
            #expect(try await node.ask("/live/demo/index.m3u8").text.contains("RESOLUTION=1280x720"))
            let tracks = try #require(node.assembly.replicas[demo]?.parameters).tracks
            #expect(tracks.map(\.id) == [.video] && tracks.map(\.rendition) == [.main])
            try await eventually("what is left out is counted") {
                node.running.keepHouse()
                return node.metric("millrace_feed_mendings_total", "unit_of_refused_layer") > 50
            }
        }
    }

    @Test(
        "that is malformed is answered with what is wrong",
        arguments: [
            ("a=rid:h", "a=rid is malformed"), ("a=rid:h! send", "a=rid is malformed"),
            ("a=simulcast:send h;;l", "a=simulcast is malformed"), ("a=simulcast:later h", "a=simulcast is malformed"),
        ])
    func malformed(line: String, words: String) async throws {
        try await TestNode.run { node in
            let peer = SessionPeer(node)
            let body = peer.simulcastOffer.text + line + "\r\n"
            let type = ["Content-Type": "application/sdp"]
            let answer = try await node.ask("/live/demo/whip", method: "POST", fields: type, body: body)
            #expect(answer.status == 400)
            #expect(answer.text.contains(words))
        }
    }
}
