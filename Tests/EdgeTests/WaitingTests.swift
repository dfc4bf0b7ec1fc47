// SPDX-License-Identifier: Apache-2.0

import Node
import NodeKit
import RTMP
import TestKit
import Testing

@Suite("A viewer who waits")
struct WaitingTests {
    private static let rest = SyntheticMedia.seconds.events(for: .seconds(4)).filter { $0.time >= .milliseconds(3050) }

    /// A node with three seconds of `live/demo`, and its publisher.
    private func run(
        _ change: (inout NodeSettings) -> Void = { _ in }, _ body: (TestNode, RTMPPeer) async throws -> Void
    ) async throws {
        try await TestNode.run(change) { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(3050))
            try await eventually("the third second is there") { try await node.playlist().segments.count == 3 }
            try await body(node, publisher)
        }
    }

    @Test("is one of five hundred for one part: it is made once, and all get it")
    func crowd() async throws {
        try await run { node, publisher in
            let hint = try #require(try await node.playlist().hint)
            let (before, waits) = (node.metric("millrace_hls_media_renderings_total"), node.waits)
            let answers = try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
                for _ in 0..<500 { group.addTask { try await node.ask(hint) } }
                try await eventually("all wait") { node.waits >= waits + 500 }
                try await publisher.send(Self.rest, of: .seconds)
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count == 500 && answers.allSatisfy { $0.status == 200 })
            #expect(Set(answers.map(\.body)).count == 1)
            #expect(node.metric("millrace_hls_media_renderings_total") == before + 1)
        }
    }

    @Test("is one of many for one playlist: it is rendered once, and stands directly after the part")
    func crowdOfPlaylists() async throws {
        try await run { node, publisher in
            let now = try await node.playlist()
            let query = "?_HLS_msn=\(now.lastMSN + 1)&_HLS_part=2"
            let (before, waits) = (node.metric("millrace_hls_playlist_renderings_total"), node.waits)
            let answers = try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
                for _ in 0..<50 { group.addTask { try await node.ask("/live/demo/main/media.m3u8\(query)") } }
                try await eventually("all wait") { node.waits >= waits + 50 }
                try await publisher.send(Self.rest, of: .seconds)
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(answers.map(\.body)).count == 1 && answers.allSatisfy { $0.status == 200 })
            #expect(node.metric("millrace_hls_playlist_renderings_total") == before + 1)
            let playlist = ReadPlaylist(answers[0].text, at: "/live/demo/main/media.m3u8")
            #expect(playlist.parts.last?.hasSuffix("/\(now.lastMSN + 1).2.m4s") == true)
            // The same question later has the same answer.
            #expect(try await node.ask("/live/demo/main/media.m3u8\(query)").body == answers[0].body)
        }
    }

    @Test("gets 503 after three target durations")
    func bounded() async throws {
        try await run { node, _ in
            let hint = try #require(try await node.playlist().hint)
            let began = ContinuousClock.now
            let answer = try await node.ask(hint)
            let waited = ContinuousClock.now - began
            #expect(answer.status == 503 && answer.fields["retry-after"] == "1")
            #expect(answer.fields["cache-control"] == "no-store")
            // That it comes at all is the bound; on a busy machine it comes late.
            #expect(waited > .milliseconds(2400), "\(waited)")
        }
    }

    @Test("gets the unchanged playlist, not to be kept, while the publisher is away")
    func absent() async throws {
        try await run { node, publisher in
            await publisher.vanish()
            try await eventually("it has left") { node.metric("millrace_publishers_left_total") == 1 }
            let now = try await node.playlist()
            let answer = try await node.ask("/live/demo/main/media.m3u8?_HLS_msn=\(now.lastMSN + 1)")
            #expect(answer.status == 200 && answer.fields["cache-control"] == "no-store")
            #expect(ReadPlaylist(answer.text, at: "/").lines == now.lines)
        }
    }

    @Test("is forgotten when it goes away")
    func gone() async throws {
        try await run { node, publisher in
            let hint = try #require(try await node.playlist().hint)
            let waits = node.waits
            let peer = try await node.open(hint)
            try await eventually("it waits") { node.waits == waits + 1 }
            await peer.vanish()
            try await eventually("it is missed") { node.metric("millrace_http_cancelled_total") == 1 }
            try await publisher.send(Self.rest, of: .seconds)
            #expect(try await node.ask(hint).status == 200)
        }
    }

    @Test("for the first playlist gets it when there are two whole segments")
    func first() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(500))
            let waits = node.waits
            async let early = node.ask("/live/demo/index.m3u8")
            try await eventually("it waits") { node.waits == waits + 1 }
            try await publisher.send(
                SyntheticMedia.seconds.events(for: .seconds(3)).filter { $0.time >= .milliseconds(500) }, of: .seconds)
            #expect(try await early.status == 200)
            #expect(try await node.playlist().segments.count >= 2)
        }
    }
}
