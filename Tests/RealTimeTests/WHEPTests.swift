// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Node
import NodeKit
import Origin
import RTP
import Replica
import TestKit
import Testing
import WebRTC

@Suite("A WHEP viewer")
struct WHEPTests {
    /// Runs `body` with a node that has the stream `live/demo`, sent as fast as it goes.
    /// - Parameter patience: how long the node waits for checks; a busy machine is not to look like a silent viewer.
    private func watching(
        threads: Int = 1, patience: Duration = .seconds(60),
        _ body: (TestNode, RTMPPeer, SyntheticMedia) async throws -> Void
    ) async throws {
        try await TestNode.run {
            $0.webrtc.threads = threads
            $0.webrtc.consentTimeout = patience
            $0.webrtc.connectTimeout = patience
        } _: { node in
            var media = SyntheticMedia.seconds
            media.sizes.video = 5000
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(2050), of: media)
            try await eventually("the stream is there") {
                node.assembly.replicas[demo]?.parameters != nil
            }
            try await body(node, publisher, media)
        }
    }

    @Test("gets all packets from the last random access point on, and reports")
    func plays() async throws {
        try await watching { node, _, _ in
            let peer = SessionPeer(node)
            try await peer.connect()
            try await eventually("pictures come: \(peer.packets.count)") {
                peer.receive()
                return peer.packets.count { $0.header.marker } >= 1 && !peer.reports.isEmpty
            }
            let numbers = peer.packets.map(\.header.sequenceNumber)
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
            let first = try #require(peer.packets.first)
            #expect(RTPCodec.h264.beginsRandomAccess(first.payload))
            #expect(first.header.payloadType == 96)
            #expect(node.metric("millrace_webrtc_sessions", "whep") == 1)
        }
    }

    @Test("gets a packet again that it asks for, in the stream of repairs")
    func repairs() async throws {
        try await watching { node, _, _ in
            let peer = SessionPeer(node)
            try await peer.connect()
            try await eventually("pictures come") {
                peer.receive()
                return peer.packets.count > 3
            }
            let lost = peer.packets[1]
            peer.send(
                rtcp: .nack(
                    NegativeAcknowledgement(
                        sender: 7, media: lost.header.source, missing: [lost.header.sequenceNumber])))
            try await eventually("it comes again") {
                peer.receive()
                return peer.packets.contains { $0.header.payloadType == 97 }
            }
            let again = try #require(peer.packets.first { $0.header.payloadType == 97 })
            #expect(again.original(source: lost.header.source, payloadType: 96)?.payload == lost.payload)
            #expect(node.metric("millrace_webrtc_repairs_total", "sent") == 1)
        }
    }

    @Test("is served by whichever thread it comes to, also from another address", arguments: 0..<6)
    func moves(_ number: Int) async throws {
        try await watching(threads: 4) { node, publisher, media in
            let peer = SessionPeer(node)
            try await peer.connect()
            peer.move()
            try await eventually("the new address is proven") {
                peer.receive()
                return peer.checksAnswered >= 2
            }
            let before = peer.packets.count
            var later = media
            later.start = .milliseconds(2050)
            try await publisher.send(later.events(for: .seconds(1)), of: later)
            try await eventually("pictures come to the new address") {
                peer.receive()
                return peer.packets.count > before
            }
        }
    }

    @Test("is counted, and counted out at DELETE, which also ends its DTLS")
    func deletes() async throws {
        try await watching { node, _, _ in
            let peer = SessionPeer(node)
            try await peer.connect()
            #expect(node.assembly.replicas[demo]?.viewerCount == 1)
            #expect(try await peer.ask("DELETE").status == 200)
            try await eventually("goodbye comes") {
                peer.receive()
                return peer.isClosed && node.assembly.replicas[demo]?.viewerCount == 0
            }
            #expect(try await peer.ask("DELETE").status == 404)
        }
    }

    @Test("is let go where it gives no sign of life, or never comes")
    func expires() async throws {
        try await watching(patience: .seconds(3)) { node, _, _ in
            let (silent, absent) = (SessionPeer(node), SessionPeer(node))
            try await silent.connect()
            #expect(try await absent.post().status == 201)
            #expect(node.assembly.replicas[demo]?.viewerCount == 2)
            try await eventually("both are gone") {
                node.running.keepHouse()
                return node.metric("millrace_webrtc_sessions_ended_total", "\"consent\"") == 1
                    && node.metric("millrace_webrtc_sessions_ended_total", "\"never_checked\"") == 1
            }
            #expect(node.assembly.replicas[demo]?.viewerCount == 0)
            #expect(node.metric("millrace_webrtc_unconnected_sessions") == 0)
            #expect(try await absent.ask("DELETE").status == 404)
        }
    }

    @Test("restarts ICE by PATCH, and an old entity tag is refused")
    func restarts() async throws {
        try await watching { node, _, _ in
            let peer = SessionPeer(node)
            try await peer.connect()
            let type = ["Content-Type": "application/trickle-ice-sdpfrag"]
            let fragment = "a=ice-ufrag:efgh\r\na=ice-pwd:9876543210987654321098\r\n"
            #expect(try await peer.ask("PATCH", fields: type, body: fragment).status == 428)
            let answer = try await peer.ask("PATCH", fields: type.merging(["If-Match": "*"]) { $1 }, body: fragment)
            #expect(answer.status == 200)
            let credentials = try #require(try TrickleFragment(parsing: answer.body[...]).credentials)
            let answered = peer.checksAnswered
            peer.check(fragment: credentials.fragment, password: credentials.password)
            try await eventually("the new credentials are good") {
                peer.receive()
                return peer.checksAnswered > answered
            }
            let old = type.merging(["If-Match": peer.entityTag]) { $1 }
            #expect(try await peer.ask("PATCH", fields: old, body: fragment).status == 412)
            peer.check()
            try await eventually("the old ones are not") {
                node.metric("millrace_webrtc_datagrams_dropped_total", "unknown_fragment") > 0
            }
        }
    }

    @Test("is told when its stream is over")
    func ends() async throws {
        try await watching { node, _, _ in
            let peer = SessionPeer(node)
            try await peer.connect()
            node.assembly.streams.end(demo, reason: .stopped)
            try await eventually("goodbye comes") {
                peer.receive()
                return peer.isClosed
            }
            #expect(node.metric("millrace_webrtc_sessions_ended_total", "stream_over") == 1)
        }
    }
}
