// SPDX-License-Identifier: Apache-2.0

import Feed
import Foundation
import Identity
import Media
import Node
import NodeKit
import RTP
import Replica
import TestKit
import Testing
import WebRTC

@Suite("Sound made for WHEP viewers")
struct SoundTests {
    /// A program in place of ffmpeg, as a script of the shell; the path is to be removed.
    private func program(_ script: String) throws -> URL {
        let file = FileManager.default.temporaryDirectory.appending(path: "program-\(UInt64.random(in: 0 ... .max))")
        try "#!/bin/sh\n\(script)\n".write(to: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
        return file
    }

    /// Runs `body` with a node whose transcoder is given, that has the stream `live/demo` with AAC, and a publisher.
    private func hearing(
        _ transcoder: String?, limit: Int = 64, _ body: (TestNode, RTMPPeer, SyntheticMedia) async throws -> Void
    ) async throws {
        try await TestNode.run {
            $0.webrtc.threads = 2
            $0.webrtc.transcoder = transcoder
            $0.webrtc.transcoders = limit
            $0.webrtc.consentTimeout = .seconds(60)
            $0.webrtc.connectTimeout = .seconds(60)
        } _: { node in
            let media = SyntheticMedia.seconds
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(2050), of: media)
            try await eventually("the stream is there") { node.assembly.replicas[demo]?.parameters != nil }
            try await body(node, publisher, media)
        }
    }

    /// Sends more of the stream, little by little, until `isDone`.
    private func send(
        _ publisher: RTMPPeer, _ media: SyntheticMedia, until isDone: () async throws -> Bool
    ) async throws {
        var end: Duration = .milliseconds(2050)
        try await eventually("something comes of it") {
            try await publisher.send(from: end, to: end + .milliseconds(40), of: media)
            end += .milliseconds(40)
            return try await isDone()
        }
    }

    @Test("is made by ffmpeg of real AAC")
    func real() async throws {
        try await hearing("ffmpeg") { node, publisher, _ in
            var media = SyntheticMedia.seconds
            media.frameRate = nil
            let peer = SessionPeer(node)
            try await peer.connect()
            var sent: Duration = .zero
            try await eventually("it is heard") {
                // A unit of stereo silence.
                let units = media.events(for: sent + .milliseconds(40)).filter { $0.time >= sent }.map { event in
                    var event = event
                    event.unit.decodeTime.ticks += 2050
                    event.unit.payload = [0x21, 0x10, 0x04, 0x60, 0x8C, 0x1C]
                    return event
                }
                try await publisher.send(units, of: media)
                sent += .milliseconds(40)
                peer.receive()
                return peer.packets.count { $0.header.payloadType == 111 } > 100
            }
            let times = peer.packets.filter { $0.header.payloadType == 111 }.map(\.header.timestamp)
            #expect(zip(times, times.dropFirst()).allSatisfy { $1 &- $0 == 960 })
        }
    }

    @Test("comes from the program, one a stream, and goes to the viewers of all threads with even steps")
    func transcodes() async throws {
        // What the shell can write without ffmpeg: a page of Opus for every unit that came.
        let ogg = try program(Self.fakeTranscoder)
        defer { try? FileManager.default.removeItem(at: ogg) }
        try await hearing(ogg.path) { node, publisher, media in
            let peers = (0..<4).map { _ in SessionPeer(node) }
            for peer in peers { try await peer.connect() }
            let answer = peers[0].answer.media
            #expect(answer.count == 2)
            try await send(publisher, media) {
                for peer in peers { peer.receive() }
                return peers.allSatisfy { $0.packets.count { $0.header.payloadType == 111 } > 20 }
            }
            for peer in peers {
                let sound = peer.packets.filter { $0.header.payloadType == 111 }
                let numbers = sound.map(\.header.sequenceNumber)
                #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
                let times = sound.map(\.header.timestamp)
                #expect(zip(times, times.dropFirst()).allSatisfy { $1 &- $0 == 960 })
            }
            #expect(node.metric("millrace_webrtc_transcoders") == 1)
            #expect(node.metric("millrace_webrtc_transcoder_starts_total") == 1)
            #expect(node.metric("millrace_webrtc_transcoder_delay_seconds_count") > 20)
        }
    }

    @Test("is not promised beyond the number of streams that may have it made")
    func full() async throws {
        let fake = try program(Self.fakeTranscoder)
        defer { try? FileManager.default.removeItem(at: fake) }
        try await hearing(fake.path, limit: 1) { node, _, media in
            let other = try await node.publisher("other")
            try await other.publish(.milliseconds(2050), of: media)
            try await eventually("both are there") {
                try await node.ask("/live/other/index.m3u8").text.contains("mp4a")
            }
            let first = try await SessionPeer(node).post()
            #expect(first.status == 201 && first.fields["x-millrace-note"] == nil)
            try await eventually("it runs") { node.metric("millrace_webrtc_transcoders") == 1 }
            let second = try await SessionPeer(node).post(to: "/live/other/whep")
            #expect(second.status == 201 && second.fields["x-millrace-note"]?.contains("as many streams") == true)
            let again = try await SessionPeer(node).post()
            #expect(again.fields["x-millrace-note"] == nil)
            #expect(node.metric("millrace_webrtc_transcoder_starts_total") == 1)
        }
    }

    @Test("is not promised without a program, and the answer says so", arguments: [nil, "/nowhere/ffmpeg"])
    func missing(path: String?) async throws {
        try await hearing(path) { node, _, _ in
            let peer = SessionPeer(node)
            let answer = try await peer.post()
            #expect(answer.status == 201)
            #expect(answer.fields["x-millrace-note"]?.hasPrefix("no sound:") == true)
            #expect(peer.answer.media.last?.direction == .inactive)
            #expect(node.metric("millrace_webrtc_answers_without_sound_total") == 1)
            try await peer.handshake()
            try await eventually("pictures come") {
                peer.receive()
                return !peer.packets.isEmpty
            }
        }
    }

    @Test(
        "is tried again where the program dies, less and less often, and pictures go on",
        arguments: ["exit 1", "echo nonsense"])
    func dies(script: String) async throws {
        let broken = try program(script)
        defer { try? FileManager.default.removeItem(at: broken) }
        try await hearing(broken.path) { node, _, _ in
            let peer = SessionPeer(node)
            let begun = ContinuousClock.now
            try await peer.connect()
            try await eventually("it is tried four times") {
                peer.receive()
                return node.metric("millrace_webrtc_transcoder_starts_total") >= 4
            }
            #expect(ContinuousClock.now - begun >= .milliseconds(1750), "250 ms, 500 ms, 1 s")
            #expect(node.metric("millrace_webrtc_transcoder_ends_total", "failed") >= 3)
            #expect(!peer.packets.isEmpty)
        }
    }

    @Test("of a program that hangs is killed, what it does not take is dropped, and nobody waits")
    func hangs() async throws {
        let hanging = try program("exec sleep 300")
        defer { try? FileManager.default.removeItem(at: hanging) }
        try await hearing(hanging.path) { node, publisher, media in
            let peer = SessionPeer(node)
            try await peer.connect()
            try await send(publisher, media) {
                peer.receive()
                return node.metric("millrace_webrtc_transcoder_ends_total", "hung") >= 1
            }
            #expect(peer.packets.count { $0.header.marker } > 10)
        }
    }

    /// Two pages that begin a file, then for every 400 bytes of input a page with 20 ms of Opus in it.
    private static let fakeTranscoder = """
        exec python3 -c '
        import os, struct
        def page(packet, granule):
            head = b"OggS" + bytes(2) + struct.pack("<qIII", granule, 7, 0, 0)
            os.write(1, head + bytes([1, len(packet)]) + packet)
        page(b"OpusHead" + bytes([1, 2, 0, 0, 128, 187, 0, 0, 0, 0, 0]), 0)
        page(b"OpusTags" + bytes(8), 0)
        granule = 0
        rest = b""
        fed = 0
        while True:
            data = os.read(0, 65536)
            if not data: break
            rest += data
            while len(rest) >= 7:
                length = (rest[3] & 3) << 11 | rest[4] << 3 | rest[5] >> 5
                if len(rest) < length: break
                rest = rest[length:]
                fed += 1024
                while granule + 960 <= fed:
                    granule += 960
                    page(bytes([0x78, 1, 2, 3]), granule)
        '
        """
}
