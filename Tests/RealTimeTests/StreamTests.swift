// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Feed
import Glibc
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

@Suite("A session over TCP")
struct StreamTests {
    /// Runs `body` with a node that takes ICE over TCP.
    private func running(
        threads: Int = 1, _ change: (inout NodeSettings) -> Void = { _ in }, _ body: (TestNode) async throws -> Void
    ) async throws {
        let port = try freePort()
        try await TestNode.run {
            $0.webrtc.tcpPort = port
            $0.webrtc.threads = threads
            $0.webrtc.consentTimeout = .seconds(60)
            $0.webrtc.connectTimeout = .seconds(60)
            change(&$0)
        } _: { node in
            try await body(node)
        }
    }

    /// A publisher of `live/demo`, whose parameters are known.
    private func publisher(of node: TestNode, _ media: SyntheticMedia) async throws -> RTMPPeer {
        let publisher = try await node.publisher()
        try await publisher.publish(.milliseconds(2050), of: media)
        try await eventually("the stream is there") { node.assembly.replicas[demo]?.parameters != nil }
        return publisher
    }

    private var media: SyntheticMedia {
        var media = SyntheticMedia.seconds
        media.sizes.video = 5000
        return media
    }

    @Test("plays, by a candidate that the answer names behind those of UDP")
    func plays() async throws {
        try await running { node in
            _ = try await publisher(of: node, media)
            let peer = SessionPeer(node, isStream: true)
            try await peer.connect()
            let candidates = try #require(peer.answer.media.first).candidates
            let passive = candidates.filter { $0.transport == .tcp }
            #expect(passive.allSatisfy { $0.opening == .passive && Int($0.endpoint.port) == node.webRTCStreamPort })
            let lowest = candidates.filter { $0.transport == .udp }.map(\.priority).min()
            #expect(try #require(passive.map(\.priority).max()) < #require(lowest))
            try await eventually("pictures come") {
                peer.receive()
                return peer.packets.count { $0.header.marker } >= 1 && !peer.reports.isEmpty
            }
            let numbers = peer.packets.map(\.header.sequenceNumber)
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
            #expect(node.metric("millrace_webrtc_sessions", "whep") == 1)
            #expect(node.metric("millrace_datagrams_sent_total", "webrtc") == 0)
            #expect(try await peer.ask("DELETE").status == 200)
            try await eventually("the connection ends with its session") {
                peer.receive()
                return peer.isCut && peer.isClosed
            }
        }
    }

    @Test("publishes")
    func publishes() async throws {
        try await running { node in
            let peer = SessionPeer(node, isStream: true)
            try await peer.connect(to: "/live/demo/whip")
            try peer.publish(.seconds(3))
            try await eventually("it can be played") { node.assembly.replicas[demo]?.isPlayable ?? false }
            #expect(node.metric("millrace_webrtc_packets_received_total") > 90)
        }
    }

    @Test(
        "is served by whichever thread has it, and goes on over another connection, also one from the same port",
        arguments: 0..<6)
    func moves(number: Int) async throws {
        try await running(threads: 3) { node in
            let publisher = try await publisher(of: node, media)
            let peer = SessionPeer(node, isStream: true)
            try await peer.connect()
            try await eventually("pictures come") {
                peer.receive()
                return !peer.packets.isEmpty
            }
            let answered = peer.checksAnswered
            peer.move(isBroken: number % 2 == 1)
            try await eventually("the new connection is the session's") {
                peer.receive()
                return peer.checksAnswered > answered
            }
            let before = peer.packets.count
            try await publisher.send(from: .milliseconds(2050), to: .seconds(4), of: media)
            try await eventually("they come there") {
                peer.receive()
                return peer.packets.count > before + 10
            }
            #expect(node.metric("millrace_webrtc_sessions", "whep") == 1)
        }
    }

    @Test("of a viewer who takes nothing loses whole pictures, and goes on with one to begin with")
    func isSlow() async throws {
        try await running { node in
            var media = media
            media.sizes.video = 40_000
            let publisher = try await publisher(of: node, media)
            let peer = SessionPeer(node, isStream: true)
            try await peer.connect()
            for second in 2..<40 {
                try await publisher.send(
                    from: .milliseconds(second * 1000 + 50), to: .milliseconds(second * 1000 + 1050), of: media)
                // It is slow, and not gone.
                if second % 4 == 0 { peer.receive(most: 1) }
            }
            try await eventually("all is taken") { node.metric("millrace_ingest_messages_total", "\"video\"") >= 1190 }
            peer.receive()
            try await publisher.send(from: .milliseconds(40_050), to: .seconds(42), of: media)
            try await eventually("it is at the end, and has missed something") {
                peer.receive()
                let video = peer.packets.filter { $0.header.payloadType == 96 }
                guard let first = video.first, let last = video.last else { return false }
                return node.metric("millrace_webrtc_groups_skipped_total") > 0
                    && last.header.timestamp &- first.header.timestamp > 38 * 90_000
            }
            var pictures: [[RTPPacket]] = []
            for packet in peer.packets where packet.header.payloadType == 96 {
                if pictures.last?.last?.header.timestamp == packet.header.timestamp {
                    pictures[pictures.count - 1].append(packet)
                } else {
                    pictures.append([packet])
                }
            }
            // The last may still be on its way.
            #expect(pictures.dropLast().allSatisfy { $0.last?.header.marker ?? false })
            for (before, after) in zip(pictures, pictures.dropFirst()) {
                let step = after[0].header.timestamp &- before[0].header.timestamp
                #expect(step < 9000 || RTPCodec.h264.beginsRandomAccess(after[0].payload))
            }
        }
    }
}

@Suite("A viewer over TCP who does not read")
struct StreamStallTests {
    private func settings(_ port: Int, _ settings: inout NodeSettings) {
        settings.webrtc.tcpPort = port
        settings.webrtc.consentTimeout = .seconds(60)
        settings.webrtc.connectTimeout = .seconds(60)
    }

    @Test("is let go though it sends checks, and holds nothing then")
    func isLetGo() async throws {
        let port = try freePort()
        try await TestNode.run({ settings(port, &$0) }) { node in
            var media = SyntheticMedia.seconds
            media.sizes.video = 40_000
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(2050), of: media)
            let peer = SessionPeer(node, isStream: true, patience: 16_384)
            try await peer.connect()
            var second = 2
            try await eventually("it is let go") {
                if second < 30 {
                    try await publisher.send(
                        from: .milliseconds(second * 1000 + 50), to: .milliseconds(second * 1000 + 1050), of: media)
                    second += 1
                }
                peer.check()
                try await Task.sleep(for: .milliseconds(100))
                return node.metric("millrace_webrtc_sessions_ended_total", "stalled") == 1
            }
            try await eventually("no connection is left") { node.metric("millrace_connections", "\"webrtc\"") == 0 }
            #expect(node.metric("millrace_webrtc_sessions", "whep") == 0)
        }
    }

    @Test("does not hear late what was said meanwhile")
    func hears() async throws {
        let port = try freePort()
        try await TestNode.run({ settings(port, &$0) }) { node in
            let (publisher, media) = (SessionPeer(node), SoundAndPictures())
            try await publisher.connect(to: "/live/demo/whip")
            try await eventually("it can be played") {
                media.send(.milliseconds(200), by: publisher)
                try await Task.sleep(for: .milliseconds(20))
                return node.assembly.replicas[demo]?.parameters?.tracks.count == 2
            }
            let peer = SessionPeer(node, isStream: true, patience: 16_384)
            try await peer.connect()
            try await eventually("sound comes") {
                media.send(.milliseconds(100), by: publisher)
                try await Task.sleep(for: .milliseconds(20))
                peer.receive()
                return !sound(of: peer).isEmpty
            }
            let (before, begun) = (sound(of: peer).count, media.soundSent)
            for number in 0..<200 {
                media.send(.milliseconds(100), by: publisher)
                // It is slow, and not gone.
                if number % 20 == 0 { peer.receive(most: 1) }
                let sent = media.packetsSent
                try await eventually("it is taken") {
                    node.metric("millrace_webrtc_packets_received_total") >= sent - 20
                }
            }
            let meanwhile = media.soundSent - begun
            try await eventually("it hears what is said now") {
                media.send(.milliseconds(100), by: publisher)
                try await Task.sleep(for: .milliseconds(20))
                peer.receive()
                guard let last = sound(of: peer).last else { return false }
                return last.payload.dropFirst().prefix(4).elementsEqual(media.lastSound)
            }
            let heard = sound(of: peer).count - before
            #expect(heard < meanwhile * 2 / 3, "\(heard) of \(meanwhile)")
            let numbers = sound(of: peer).map(\.header.sequenceNumber)
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
        }
    }

    private func sound(of peer: SessionPeer) -> [RTPPacket] { peer.packets.filter { $0.header.payloadType == 111 } }
}

@Suite("A stranger at the TCP port of WebRTC")
struct StreamStrangerTests {
    @Test("is cut off with a check that somebody else has used, and holds nothing")
    func replays() async throws {
        let port = try freePort()
        try await TestNode.run({
            $0.webrtc.tcpPort = port
            $0.webrtc.connectTimeout = .seconds(60)
        }) { node in
            let peer = SessionPeer(node, isStream: true)
            _ = try await peer.post(to: "/live/demo/whip")
            let recorded = peer.checkBytes()
            peer.send(recorded)
            try await eventually("it is answered") {
                peer.receive()
                return peer.checksAnswered == 1
            }
            let strangers = (0..<20).map { _ in SessionPeer(node, isStream: true) }
            for stranger in strangers { stranger.send(recorded) }
            try await eventually("they are cut off, and it is not") {
                for one in strangers + [peer] { one.receive() }
                return strangers.allSatisfy(\.isCut) && !peer.isCut
            }
            #expect(strangers.allSatisfy { $0.checksAnswered == 0 })
            #expect(try await peer.ask("DELETE").status == 200)
            try await eventually("no connection is left") { node.metric("millrace_connections", "\"webrtc\"") == 0 }
        }
    }

    @Test("is cut off in time where its check is of a session that will not have it")
    func isRefused() async throws {
        let port = try freePort()
        try await TestNode.run({
            $0.webrtc.tcpPort = port
            $0.webrtc.connectTimeout = .seconds(1)
        }) { node in
            let peer = SessionPeer(node, isStream: true)
            _ = try await peer.post(to: "/live/demo/whip")
            peer.send(peer.checkBytes(role: .controlled(tieBreaker: 7)))
            try await eventually("it is cut off") {
                peer.receive()
                return peer.isCut
            }
            try await eventually("no connection is left") { node.metric("millrace_connections", "\"webrtc\"") == 0 }
        }
    }

    @Test(
        "is cut off without an answer, and counted",
        arguments: [
            ([0, 3, 22, 254, 253], "stranger"), ([0, 2, 0, 1], "stranger"), ([0xFF, 0xFF], "stream_malformed"),
            ([0, 1, 0x80], "stranger"), ([0, 0, 0, 0, 0, 1, 0xFF], "stranger"), ([0], "stream_silent"),
        ] as [([UInt8], String)])
    func isCut(bytes: [UInt8], reason: String) async throws {
        let port = try freePort()
        try await TestNode.run {
            $0.webrtc.tcpPort = port
            $0.webrtc.connectTimeout = .seconds(1)
        } _: { node in
            let peer = SessionPeer(node, isStream: true)
            peer.sendRaw(bytes)
            try await eventually("it is cut off") {
                peer.receive()
                return peer.isCut
            }
            #expect(peer.checksAnswered == 0 && peer.packets.isEmpty)
            #expect(node.metric("millrace_webrtc_datagrams_dropped_total", reason) == 1)
        }
    }

    @Test("is cut off with the wrong password, or with a session that nobody has")
    func hasNoPassword() async throws {
        let port = try freePort()
        try await TestNode.run({ $0.webrtc.tcpPort = port }) { node in
            for (fragment, password) in [(nil, "not the password of this one"), ("AAAAAAAA", nil)] {
                let peer = SessionPeer(node, isStream: true)
                _ = try await peer.post(to: "/live/demo/whip")
                peer.check(fragment: fragment, password: password)
                try await eventually("it is cut off") {
                    peer.receive()
                    return peer.isCut
                }
                #expect(peer.checksAnswered == 0)
            }
            #expect(node.metric("millrace_webrtc_datagrams_dropped_total", "bad_integrity") == 1)
            #expect(node.metric("millrace_webrtc_datagrams_dropped_total", "unknown_fragment") == 1)
            try await eventually("no connection is left") { node.metric("millrace_connections", "\"webrtc\"") == 0 }
        }
    }
}

/// A port that nothing has at the moment, below those that the kernel gives to others.
private func freePort() throws -> Int {
    for _ in 0..<100 {
        let port = Int.random(in: 21_000..<32_000)
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafeBytes(of: &address) { bytes in
            bytes.withMemoryRebound(to: sockaddr.self) {
                bind(socket, $0.baseAddress, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result == 0 { return port }
    }
    throw Refused(text: "no port is free")
}
