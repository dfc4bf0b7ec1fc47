// SPDX-License-Identifier: Apache-2.0

import NodeKit
import TestKit
import Testing
import WebRTC

@Suite("A stranger at the UDP port")
struct StrangerTests {
    @Test("gets no answer, whatever it sends, and is counted")
    func isSilent() async throws {
        try await TestNode.run { node in
            let peer = SessionPeer(node)
            #expect(try await peer.post(to: "/live/demo/whip").status == 201)
            peer.check(password: "not the password of this one")
            peer.check(fragment: "AAAAAAAA")
            peer.send([22, 254, 253] + [UInt8](repeating: 0, count: 60))
            peer.send([0x80, 96] + [UInt8](repeating: 1, count: 60))
            peer.send([0x80, 200] + [UInt8](repeating: 1, count: 60))
            peer.send([0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42] + [UInt8](repeating: 3, count: 12))
            peer.send([255])
            var random = SeededRandom(seed: 5)
            for _ in 0..<500 {
                let count = Int.random(in: 1...200, using: &random)
                peer.send((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
            }
            try await eventually("all is counted") {
                node.metric("millrace_webrtc_datagrams_dropped_total") == 507
            }
            peer.receive()
            #expect(peer.checksAnswered == 0)
            #expect(node.metric("millrace_datagrams_sent_total", "webrtc") == 0)
            #expect(node.metric("millrace_webrtc_datagrams_dropped_total", "bad_integrity") == 1)
            #expect(node.metric("millrace_webrtc_datagrams_dropped_total", "unknown_fragment") == 1)
        }
    }

    @Test("who checks under a publisher's address gets nothing of it, nor takes it along")
    func takesAddress() async throws {
        try await TestNode.run { node in
            let (peer, thief) = (SessionPeer(node), SessionPeer(node))
            try await peer.connect(to: "/live/demo/whip")
            #expect(try await thief.post(to: "/live/other/whip").status == 201)
            var number: UInt8 = 0
            func isHeard() async throws {
                let before = node.metric("millrace_webrtc_packets_received_total")
                try await eventually("the publisher is heard") {
                    number &+= 1
                    peer.send(rtp: [0x80, 96, 0, number, 0, 0, 0, number, 0, 0, 0, 9, 1, 2, 3, 4])
                    try await Task.sleep(for: .milliseconds(10))
                    return node.metric("millrace_webrtc_packets_received_total") > before
                }
            }
            try await isHeard()
            let answered = peer.checksAnswered
            peer.send(thief.checkBytes())
            try await eventually("the check is answered") {
                peer.receive()
                return peer.checksAnswered > answered
            }
            try await isHeard()
            #expect(try await thief.ask("DELETE").status == 200)
            try await eventually("the thief is gone") {
                node.metric("millrace_webrtc_sessions_ended_total", "deleted") == 1
            }
            try await isHeard()
        }
    }

    @Test("who forges or replays media under a viewer's address is dropped")
    func forges() async throws {
        try await TestNode.run { node in
            let peer = SessionPeer(node)
            try await peer.connect(to: "/live/demo/whip")
            peer.send([0x80, 96] + [UInt8](repeating: 1, count: 60))
            peer.send([0x80, 200, 0, 1] + [UInt8](repeating: 255, count: 60))
            try await eventually("both are counted") {
                node.metric("millrace_webrtc_datagrams_dropped_total", "srtp_forged") == 2
            }
            #expect(node.metric("millrace_webrtc_sessions", "whip") == 1)
        }
    }
}
