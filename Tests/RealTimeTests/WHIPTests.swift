// SPDX-License-Identifier: Apache-2.0

import Bytes
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

@Suite("A WHIP publisher")
struct WHIPTests {
    @Test("is a stream like any other, asked for random access points, and gone with its session")
    func publishes() async throws {
        try await TestNode.run {
            $0.webrtc.randomAccessInterval = .milliseconds(200)
            $0.publisher.grace = .zero
        } _: { node in
            let peer = SessionPeer(node)
            try await peer.connect(to: "/live/demo/whip")
            let other = SessionPeer(node)
            #expect(try await other.post(to: "/live/demo/whip", fields: ["X-Forwarded-For": "192.0.2.1"]).status == 401)
            try publish(.seconds(3), by: peer)
            try await eventually("it can be played") { node.assembly.replicas[demo]?.isPlayable ?? false }
            #expect(node.assembly.replicas[demo]?.parameters?.tracks.map(\.codec) == [.h264])
            #expect(node.metric("millrace_webrtc_packets_received_total") > 90)
            try await eventually("it is asked for a random access point and told what came") {
                peer.receive()
                return peer.reports.contains { if case .pictureLoss = $0 { true } else { false } }
                    && peer.reports.contains { if case .receiverReport = $0 { true } else { false } }
            }
            #expect(try await peer.ask("DELETE").status == 200)
            try await eventually("the stream ends") { node.assembly.streams[demo] == nil }
        }
    }

    @Test("of the same name as a live one is refused with 409")
    func isRefused() async throws {
        try await TestNode.run { node in
            let first = try await node.publisher()
            let peer = SessionPeer(node)
            let token = node.publishToken(demo)
            let answer = try await peer.post(to: "/live/demo/whip", fields: ["Authorization": "Bearer \(token)"])
            #expect(answer.status == 409)
            #expect(answer.fields["content-type"] == "application/problem+json")
            #expect(!first.story.isClosed)
        }
    }

    @Test("of a codec that no feed carries is refused with the reason")
    func isOfAnotherCodec() async throws {
        try await TestNode.run { node in
            let peer = SessionPeer(node)
            let answer = try await peer.post(peer.offer(.sendOnly, codec: "H261"), to: "/live/demo/whip")
            #expect(answer.status == 422)
            #expect(answer.text.contains("offered are H261"))
        }
    }

    private func publish(_ duration: Duration, by peer: SessionPeer) throws { try peer.publish(duration) }
}
