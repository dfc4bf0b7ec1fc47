// SPDX-License-Identifier: Apache-2.0

import Access
import Identity
import Media
import Node
import NodeKit
import Origin
import RTMP
import TestKit
import Testing

@Suite("A publisher")
struct PublisherTests {
    private static let stream = "live/demo"

    @Test("replaces its own older connection at once with the same token, and the term goes on")
    func sameToken() async throws {
        try await TestNode.run {
            $0.access.trustLoopback = false
        } _: { node in
            let token = node.publishToken(try StreamID(parsing: Self.stream))
            let first = try await node.publisher("demo?token=\(token)")
            try await first.publish(.seconds(3))
            let term = try await node.playlist().term
            let second = try await node.publisher("demo?token=\(token)")
            try await eventually("the first is cut") { first.story.isClosed }
            try await second.publish(.seconds(3))
            try await eventually("the second is listed") { try await node.playlist().segments.count > 4 }
            let playlist = try await node.playlist()
            #expect(playlist.term == term && playlist.values(of: "#EXT-X-DISCONTINUITY").filter(\.isEmpty).isEmpty)
            #expect(node.assembly.streams.all.count == 1 && !second.story.isClosed)
        }
    }

    @Test("replaces its own older connection with the same key and address")
    func sameKey() async throws {
        try await TestNode.run { node in
            let first = try await node.publisher()
            let second = try await node.publisher()
            try await eventually("the first is cut") { first.story.isClosed }
            #expect(!second.story.isClosed)
        }
    }

    @Test("that still sends when it is replaced is cut without harm to the node")
    func replacedWhileSending() async throws {
        try await TestNode.run { node in
            let first = try await node.publisher()
            try await first.open(.seconds)
            for second in 0..<20 {
                if second == 5 { _ = try await node.publisher() }
                try? await first.send(SyntheticMedia.seconds.events(for: .seconds(2)), of: .seconds)
            }
            try await eventually("the first is cut") { first.story.isClosed }
            #expect(try await node.ask("/api/ping").status == 200)
        }
    }

    @Test("that is another one on a live name is told BadName, and the first stays")
    func otherToken() async throws {
        try await TestNode.run {
            $0.access.trustLoopback = false
        } _: { node in
            let id = try StreamID(parsing: Self.stream)
            let first = try await node.publisher("demo?token=\(node.publishToken(id))")
            let other = try await refused("demo?token=\(node.publishToken(id))", node)
            #expect(other == "NetStream.Publish.BadName")
            try await first.publish(.seconds(3))
            #expect(try await node.playlist().segments.count >= 2)
            #expect(!first.story.isClosed && node.metric("millrace_publishers_refused_total", "name_is_live") == 1)
        }
    }

    @Test("that comes with the same key from another address is another one")
    func otherAddress() async throws {
        try await TestNode.run { node in
            let first = try await node.publisher()
            let other = try await RTMPPeer.connect(node.rtmpPort, .publish, name: "demo", from: "127.0.0.2")
            try await eventually("the other is refused") { other.story.refusal != nil }
            #expect(other.story.refusal == "NetStream.Publish.BadName" && !first.story.isClosed)
        }
    }

    @Test("that is another one takes over where settings allow it")
    func takeover() async throws {
        try await TestNode.run {
            $0.access.trustLoopback = false
            $0.publisher.takeover = .allow
        } _: { node in
            let id = try StreamID(parsing: Self.stream)
            let first = try await node.publisher("demo?token=\(node.publishToken(id))")
            let second = try await node.publisher("demo?token=\(node.publishToken(id))")
            try await eventually("the first is cut") { first.story.isClosed }
            #expect(!second.story.isClosed)
        }
    }

    @Test("without a token, with a forged, a foreign or an expired one is told Denied")
    func tokens() async throws {
        try await TestNode.run {
            $0.access.trustLoopback = false
        } _: { node in
            let id = try StreamID(parsing: Self.stream)
            let good = node.publishToken(id)
            let forged = String(good.reversed())
            let foreign = node.publishToken(try StreamID(parsing: "live/other"))
            let expired = node.publishToken(id, life: .seconds(-5))
            for query in ["", "?token=", "?token=\(forged)", "?token=\(foreign)", "?token=\(expired)"] {
                #expect(try await refused("demo\(query)", node) == "NetStream.Publish.Denied", "\(query)")
            }
            _ = try await node.publisher("demo?user=x&token=\(good)&z=1")
        }
    }

    @Test("is refused under names that can not be", arguments: ["..", "a/../b", "a%2fb", "a b", "~a", "x.m3u8", ""])
    func names(name: String) async throws {
        try await TestNode.run { node in
            let code = try await refused(name, node)
            #expect(code == "NetStream.Publish.Denied" && node.assembly.streams.all.isEmpty)
        }
    }

    @Test("whose media can not be carried is cut once, and counted once")
    func unsupportedCodec() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            let speex = (0..<50 as Range<UInt32>).map {
                MediaTag(kind: .audio, timestamp: $0 * 250, header: [0xB2], payload: [1, 2, 3])
            }
            try await publisher.send(speex)
            try await eventually("it is cut") { publisher.story.isClosed }
            #expect(node.metric("millrace_rtmp_failures_total", "unsupported_codec") == 1)
            #expect(try await node.ask("/api/ping").status == 200)
        }
    }

    @Test("beyond the node's number is refused, and so is a stream beyond its number")
    func limits() async throws {
        try await TestNode.run {
            $0.publisher.maximum = 1
        } _: { node in
            let first = try await node.publisher("one")
            #expect(try await refused("two", node) == "NetStream.Publish.Denied")
            await first.vanish()
            try await eventually("it has left") { node.metric("millrace_publishers_left_total") == 1 }
            _ = try await node.publisher("two")
        }
        try await TestNode.run {
            $0.limits.streams = 1
        } _: { node in
            let first = try await node.publisher("one")
            await first.vanish()
            try await eventually("it has left") { node.metric("millrace_publishers_left_total") == 1 }
            #expect(try await refused("two", node) == "NetStream.Publish.Denied")
            #expect(node.metric("millrace_publishers_refused_total", "too_many") == 1)
        }
    }

    @Test("whose video has no random access point for too long is cut, with audio alone it is not")
    func starvation() async throws {
        try await TestNode.run {
            $0.publisher.randomAccessTimeout = .milliseconds(300)
        } _: { node in
            let publisher = try await node.publisher()
            try await publisher.open(.seconds)
            let units = SyntheticMedia.seconds.events(for: .seconds(30)).filter { $0.unit.track == .video }
            try? await publisher.send(units.prefix(1), of: .seconds)  // a busy machine may be past the limit already
            for unit in units where !unit.unit.isRandomAccess && !publisher.story.isClosed {
                try? await publisher.send([unit], of: .seconds)
            }
            try await eventually("it is cut") { publisher.story.isClosed }
            let radio = try await node.publisher()
            var audio = SyntheticMedia()
            audio.frameRate = nil
            try await radio.open(audio)
            let deadline = ContinuousClock.now + .milliseconds(600)
            try await eventually("the time is over") { ContinuousClock.now > deadline }
            #expect(!radio.story.isClosed)
        }
    }

    /// The status with which a publisher is refused.
    private func refused(_ name: String, _ node: TestNode) async throws -> String? {
        let peer = try await RTMPPeer.connect(node.rtmpPort, .publish, name: name)
        try await eventually("\(name) is refused: \(peer.story)") { peer.story.refusal != nil && peer.story.isClosed }
        return peer.story.refusal
    }
}
