// SPDX-License-Identifier: Apache-2.0

import Identity
import Node
import NodeKit
import RealTime
import TestKit
import Testing
import WebRTC

/// The stream of all tests.
let demo = { () -> StreamID in
    do { return try StreamID(app: "live", name: "demo") } catch { preconditionFailure("a good name: \(error)") }
}()

@Suite("A request of WHIP or WHEP")
struct SignalingRequestTests {
    @Test(
        "names an endpoint or a session",
        arguments: [
            ("/live/demo/whep", true), ("/live/room/camera/whip", true),
            ("/live/demo/whep/0123456789abcdef0123456789abcdef", true), ("/live/demo/whep/0123", false),
            ("/demo/whep", false), ("/whep", false), ("", false), ("/", false), ("live/demo/whep", false),
            ("/live//whep", false), ("/api/demo/whep", false), ("/live/demo/whap", false),
        ])
    func target(_ path: String, _ isGood: Bool) { #expect((SignalingTarget(path: path) != nil) == isGood) }

    @Test("is answered as its table says")
    func table() async throws {
        try await TestNode.run {
            $0.access.viewerApps = ["vip"]
        } _: { node in
            let peer = SessionPeer(node)
            #expect(try await node.ask("/live/demo/whep", method: "OPTIONS").status == 200)
            #expect(try await node.ask("/live/demo/whep").status == 204)
            #expect(try await node.ask("/live/demo/whep", method: "DELETE").status == 405)
            let none = try await peer.post()
            #expect(none.status == 409)
            #expect(none.fields["retry-after"] == "2")
            #expect(try await peer.post(to: "/vip/demo/whep").status == 401)
            #expect(try await peer.post(fields: ["Content-Type": "text/plain"]).status == 415)
            #expect(try await node.ask("/live/demo/whep/\(String(repeating: "0", count: 32))").status == 404)
        }
    }

    @Test(
        "with a body that is no offer is answered with what is wrong",
        arguments: [
            ("", "v=0"), ("v=0\r\nm=video", "line 2"), ("v=0\r\n", "no media"),
            ("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n", "rtcp-mux"),
            (String(repeating: "a", count: 200_000), ""),
        ])
    func malformed(_ body: String, _ words: String) async throws {
        try await TestNode.run { node in
            let type = ["Content-Type": "application/sdp"]
            let answer = try await node.ask("/live/demo/whip", method: "POST", fields: type, body: body)
            #expect((400..<500).contains(answer.status))
            #expect(answer.text.contains(words))
            #expect(node.metric("millrace_webrtc_unconnected_sessions") == 0)
        }
    }

    @Test("for a session gets 503 where too many are not connected, and 429 where one address asks too often")
    func floods() async throws {
        try await TestNode.run {
            $0.webrtc.maximumUnconnected = 3
            $0.webrtc.offersPerAddress = 6
            $0.limits.trustedAddresses = []
        } _: { node in
            let peer = SessionPeer(node)
            var statuses: [Int] = []
            for number in 0..<12 {
                statuses.append(try await peer.post(to: "/live/demo-\(number)/whip").status)
            }
            #expect(statuses.count { $0 == 201 } == 3)
            #expect(statuses.contains(503))
            #expect(statuses.contains(429))
        }
    }
}
