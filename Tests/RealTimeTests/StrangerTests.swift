// SPDX-License-Identifier: Apache-2.0

import Node
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
            let voice = Voice(peer)
            try await voice.isHeard()
            let answered = peer.checksAnswered
            peer.send(thief.checkBytes())
            try await eventually("the check is answered") {
                peer.receive()
                return peer.checksAnswered > answered
            }
            try await voice.isHeard()
            #expect(try await thief.ask("DELETE").status == 200)
            try await eventually("the thief is gone") {
                node.metric("millrace_webrtc_sessions_ended_total", "deleted") == 1
            }
            try await voice.isHeard()
        }
    }

    @Test("nor of a publisher whose packets come to another thread than its session's", arguments: [false, true])
    func takesHandedOver(isKnown: Bool) async throws {
        try await TestNode.run {
            $0.webrtc.threads = 4
            $0.webrtc.consentTimeout = .seconds(60)
            $0.webrtc.connectTimeout = .seconds(60)
        } _: { node in
            let (peer, thief) = (SessionPeer(node), SessionPeer(node))
            #expect(try await peer.post(to: "/live/demo/whip").status == 201)
            try await moveAway(peer, node)
            try await peer.handshake()
            let voice = Voice(peer)
            try await voice.isHeard()
            #expect(try await thief.post(to: "/live/other/whip").status == 201)
            if isKnown {
                try await eventually("the thief's own check is answered") {
                    thief.check()
                    thief.receive()
                    return thief.checksAnswered > 0
                }
            }
            peer.receive()
            let answered = peer.checksAnswered
            peer.check()
            peer.send(thief.checkBytes())
            try await eventually("both checks are answered") {
                peer.receive()
                return peer.checksAnswered >= answered + 2
            }
            try await voice.isHeard()
        }
    }

    /// Has the session adopted by the thread of another port, and goes on from one whose packets come to another thread.
    private func moveAway(_ peer: SessionPeer, _ node: TestNode) async throws {
        let first = SessionPeer(node)
        try await eventually("the session is a thread's") {
            first.send(peer.checkBytes())
            first.receive()
            return first.checksAnswered > 0
        }
        try await eventually("its packets are handed over") {
            let (before, answered) = (
                node.metric("millrace_webrtc_datagrams_forwarded_total"), peer.checksAnswered
            )
            peer.move()
            try await eventually("the check from there is answered") {
                peer.receive()
                return peer.checksAnswered > answered
            }
            return node.metric("millrace_webrtc_datagrams_forwarded_total") > before
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

/// A publisher that is heard packet by packet.
private final class Voice {
    private let peer: SessionPeer
    private var number: UInt8 = 0

    init(_ peer: SessionPeer) { self.peer = peer }

    /// Sends media until the node has some of it.
    func isHeard() async throws {
        let before = peer.node.metric("millrace_webrtc_packets_received_total")
        try await eventually("the publisher is heard") {
            number &+= 1
            peer.send(rtp: [0x80, 96, 0, number, 0, 0, 0, number, 0, 0, 0, 9, 1, 2, 3, 4])
            try await Task.sleep(for: .milliseconds(10))
            return peer.node.metric("millrace_webrtc_packets_received_total") > before
        }
    }
}
