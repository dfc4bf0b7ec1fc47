// SPDX-License-Identifier: Apache-2.0

import Edge
import Identity
import Node
import NodeKit
import RTMP
import TestKit
import Testing

@Suite("A viewer")
struct ViewerTests {
    private func run(
        _ change: (inout NodeSettings) -> Void = { _ in }, _ body: (TestNode, StreamID) async throws -> Void
    ) async throws {
        try await TestNode.run {
            $0.access.viewerApps = ["vip"]
            change(&$0)
        } _: { node in
            let publisher = try await node.publisher("show", app: "vip")
            try await publisher.publish(.seconds(3))
            let id = try StreamID(parsing: "vip/show")
            let path = "/\(node.viewerToken(id))/vip/show/index.m3u8"
            try await eventually("it plays") { try await node.ask(path).status == 200 }
            try await body(node, id)
        }
    }

    @Test("of an app with tokens needs a good one, and all that playlists name bears it")
    func tokens() async throws {
        try await run { node, id in
            for file in ["/index.m3u8", ".m3u8", "/main/media.m3u8", ".flv"] {
                #expect(try await node.ask("/vip/show\(file)").status == 401, "\(file)")
                let forged = String(node.viewerToken(id).dropFirst().reversed())
                #expect(try await node.ask("/~\(forged)/vip/show\(file)").status == 403, "\(file)")
                let foreign = node.viewerToken(try StreamID(parsing: "vip/other"))
                #expect(try await node.ask("/\(foreign)/vip/show\(file)").status == 403, "\(file)")
            }
            let path = "/\(node.viewerToken(id))/vip/show/index.m3u8"
            let variant = ReadPlaylist(try await node.ask(path).text, at: path).segments[0]
            let playlist = ReadPlaylist(try await node.ask(variant).text, at: variant)
            for media in playlist.segments + playlist.parts + playlist.initSections {
                #expect(try await node.ask(media).status == 200)
                #expect(try await node.ask("/" + media.dropFirst().drop { $0 != "/" }.dropFirst()).status == 401)
            }
        }
    }

    @Test("with an expired token can not begin, but watches on for the linger")
    func expiry() async throws {
        try await run { node, id in
            let token = node.viewerToken(id, life: .seconds(-5))
            for start in ["/index.m3u8", ".m3u8", ".flv"] {
                let answer = try await node.ask("/\(token)/vip/show\(start)")
                #expect(answer.status == 403, "\(start)")
            }
            let media = try await node.ask("/\(token)/vip/show/main/media.m3u8")
            #expect(media.status == 200)
        }
        try await run {
            $0.access.tokenLinger = .zero
        } _: { node, id in
            let token = node.viewerToken(id, life: .seconds(-5))
            let media = try await node.ask("/\(token)/vip/show/main/media.m3u8")
            #expect(media.status == 403)
        }
    }

    @Test("over RTMP needs the token too")
    func rtmpTokens() async throws {
        try await run { node, id in
            let token = node.viewerToken(id).dropFirst()
            let expired = node.viewerToken(id, life: .seconds(-5)).dropFirst()
            for name in ["show", "show?token=x", "show?token=\(expired)"] {
                let player = try await node.player(name, app: "vip")
                try await eventually("\(name) is refused") { player.story.refusal == "NetStream.Play.Failed" }
            }
            let player = try await node.player("show?token=\(token)", app: "vip")
            try await eventually("it plays") { !player.story.media.isEmpty }
            let lost = try await node.player("nothing", app: "live")
            try await eventually("it is not found") { lost.story.refusal == "NetStream.Play.StreamNotFound" }
        }
    }

    @Test("of an app without tokens may show any")
    func openApps() async throws {
        try await run { node, _ in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            #expect(try await node.ask("/~nonsense/live/demo/index.m3u8").status == 200)
        }
    }

    @Test("has as many beside it as the settings say, where nothing is set")
    func defaultLimit() { #expect(EdgeSettings().maximumViewers == NodeSettings().limits.viewers) }

    @Test("beyond the node's number gets 503, and those there watch on")
    func limit() async throws {
        try await TestNode.run {
            $0.limits.viewers = 2
        } _: { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            let path = "/live/demo/index.m3u8"
            #expect(try await node.ask(path).status == 200)
            let flv = try await node.open("/live/demo.flv")
            try await eventually("it plays") { flv.count > 1000 }
            let third = try await node.ask(path, from: "127.0.0.2")
            #expect(third.status == 503 && third.fields["retry-after"] == "5")
            #expect(try await node.ask("/live/demo.flv", from: "127.0.0.2").status == 503)
            #expect(try await node.ask(path).status == 200)
            #expect(node.metric("millrace_viewers_refused_total", "too_many") == 2)
            await flv.vanish()
            try await eventually("there is room") { try await node.ask(path, from: "127.0.0.2").status == 200 }
        }
    }

    @Test("is counted once, by whatever protocol, and listed until it leaves")
    func counted() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.seconds(3))
            for _ in 0..<3 { _ = try await node.playlist() }
            let flv = try await node.open("/live/demo.flv")
            let player = try await node.player()
            try await eventually("all play") { flv.count > 1000 && !player.story.media.isEmpty }
            #expect(node.metric("millrace_viewers") == 3)
            let list = try await node.ask("/api/v1/streams/demo/viewers").text
            for kind in ["hls", "flv", "rtmp"] { #expect(list.contains("\"protocol\":\"\(kind)\""), "\(list)") }
            await flv.vanish()
            await player.vanish()
            try await eventually("two are gone") { node.metric("millrace_viewers") == 1 }
        }
    }

    @Test("of a stream that ends and begins anew is still one")
    func newTerm() async throws {
        try await TestNode.run {
            $0.limits.viewers = 1
        } _: { node in
            for _ in 0..<3 {
                let publisher = try await node.publisher()
                try await publisher.publish(.seconds(3))
                try await eventually("it is live") {
                    try await node.ask("/api/v1/streams/demo").text.contains("\"live\"")
                }
                _ = try await node.playlist()
                #expect(node.metric("millrace_viewers") == 1)
                _ = try await node.ask("/api/v1/streams/demo/stop", method: "POST")
                try await eventually("the publisher is cut") { publisher.story.isClosed }
            }
            node.running.keepHouse()
            #expect(node.metric("millrace_viewers") == 1)
        }
    }
}
