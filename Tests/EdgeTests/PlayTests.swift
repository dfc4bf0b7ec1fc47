// SPDX-License-Identifier: Apache-2.0

import Node
import NodeKit
import RTMP
import TestKit
import Testing

@Suite("A viewer of FLV or RTMP")
struct PlayTests {
    /// How media reaches a viewer.
    enum Door: CaseIterable { case flv, rtmp }

    /// A viewer through one of the doors.
    private struct Watcher {
        let peer: HTTPPeer?
        let player: RTMPPeer?

        init(_ door: Door, _ node: TestNode, reads: Bool = true) async throws {
            // What a publisher has written is not yet what the node has read: it is, once nothing more arrives.
            var (seen, still) = (0, 0)
            try await eventually("the node has the media") {
                let count = node.metric("millrace_ingest_messages_total", "video")
                still = count == seen ? still + 1 : 0
                seen = count
                return seen > 0 && still > 20
            }
            peer = door == .flv ? try await node.open("/live/demo.flv") : nil
            player = door == .rtmp ? try await node.player() : nil
            guard !reads else { return }
            if let player { try await eventually("it is let in") { player.story.isRunning } }
            try await peer?.read(false)
            try await player?.read(false)
        }

        var isClosed: Bool { peer?.isClosed ?? player?.story.isClosed ?? true }

        func read() async throws {
            try await peer?.read(true)
            try await player?.read(true)
        }

        func leave() async {
            await peer?.vanish()
            await player?.vanish()
        }

        /// All messages so far.
        var messages: [MediaMessage] {
            if let player { return player.story.media }
            guard let bytes = peer?.bytes, let answer = HTTPAnswer(bytes) else { return [] }
            var (decoder, messages) = (FLVDecoder(), [MediaMessage]())
            decoder.append(answer.body)
            while let message = try? decoder.next() { messages.append(message) }
            return messages
        }

        /// The coded pictures: time, and whether a decoder can start there.
        var pictures: [(time: UInt32, isKey: Bool)] {
            messages.filter { $0.kind == .video && $0.body.dropFirst().first == 1 }
                .map { ($0.timestamp, $0.body[$0.body.startIndex] >> 4 == 1) }
        }
    }

    @Test("begins at the newest random access point, with what decoders are set up with", arguments: Door.allCases)
    func begins(door: Door) async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(3500))
            let watcher = try await Watcher(door, node)
            try await eventually("it plays") { watcher.pictures.count == 15 }
            try await publisher.send(from: .milliseconds(3500), to: .milliseconds(4500))
            try await eventually("it plays on") { watcher.pictures.count == 45 }
            let media = watcher.messages.filter { $0.kind != .data }
            #expect(media.prefix(2).allSatisfy { $0.body.dropFirst().first == 0 })
            #expect(Set(media.prefix(2).map(\.kind)) == [.audio, .video])
            #expect(watcher.messages.contains { $0.kind == .data })
            let pictures = watcher.pictures
            #expect(pictures[0].isKey && pictures.filter(\.isKey).count == 2)
            let span = pictures[44].time - pictures[0].time
            #expect((1460...1470).contains(span), "\(span)")
            let sounds = media.filter { $0.kind == .audio && $0.body.dropFirst().first == 1 }
            #expect(sounds.count > 60 && zip(sounds, sounds.dropFirst()).allSatisfy { $0.timestamp < $1.timestamp })
        }
    }

    @Test("is told when the stream ends", arguments: Door.allCases)
    func ends(door: Door) async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            let watcher = try await Watcher(door, node)
            try await eventually("it plays") { !watcher.pictures.isEmpty }
            _ = try await node.ask("/api/v1/streams/demo/stop", method: "POST")
            try await eventually("it ends") { watcher.isClosed }
            if let peer = watcher.peer { #expect(peer.bytes.suffix(5).elementsEqual("0\r\n\r\n".utf8)) }
            if let player = watcher.player { #expect(player.story.hasEnded) }
            #expect(node.metric("millrace_viewers") == 0)
        }
    }

    @Test("that is too slow loses whole groups of pictures", arguments: Door.allCases)
    func slow(door: Door) async throws {
        try await TestNode.run {
            $0.play.maximumLag = .seconds(1)
        } _: { node in
            var media = SyntheticMedia.seconds
            media.sizes.video = 40_000
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3), of: media)
            let watcher = try await Watcher(door, node, reads: false)
            try await eventually("it is there") { node.metric("millrace_viewers") == 1 }
            try await publisher.send(from: .seconds(3), to: .seconds(30), of: media)
            try await eventually("all is taken") {
                node.metric("millrace_ingest_messages_total", "\"video\"") >= 901
            }
            try await watcher.read()
            try await publisher.send(from: .seconds(30), to: .seconds(31), of: media)
            let last = { watcher.pictures.last?.time ?? 0 }
            try await eventually("it is at the end: \(last())") { last() >= 30_900 }
            var gaps = 0
            for (before, after) in zip(watcher.pictures, watcher.pictures.dropFirst())
            where after.time - before.time > 100 {
                gaps += 1
                #expect(after.isKey, "\(before) \(after)")
            }
            #expect(gaps > 0)
            await watcher.leave()
            try await eventually("it is counted") { node.metric("millrace_play_groups_skipped_total") == gaps }
        }
    }

    @Test("gets the new set-up when the publisher changes it", arguments: Door.allCases)
    func parameters(door: Door) async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(2))
            let watcher = try await Watcher(door, node)
            try await eventually("it plays") { !watcher.pictures.isEmpty }
            var other = SyntheticMedia.seconds
            other.sampleRate = 44_100
            try await publisher.open(other)
            try await publisher.send(from: .seconds(2), to: .seconds(5), of: other)
            try await eventually("it is set up anew") {
                watcher.messages.count { $0.kind == .audio && $0.body.dropFirst().first == 0 } == 2
            }
        }
    }
}
