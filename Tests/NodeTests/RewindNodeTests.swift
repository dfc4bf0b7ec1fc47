// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import Media
import Node
import NodeKit
import RTMP
import TestKit
import Testing

@Suite("A viewer who goes back", .serialized)
struct RewindNodeTests {
    @Test("reaches into the store, at every part, and what is listed is there")
    func reaches() async throws {
        try await RewindFolder.use { folder in
            try await TestNode.run(folder.settings) { node in
                _ = try await folder.publish(15, to: node)
                let window = try await node.playlist()
                #expect(window.segments.count == 3)
                let past = try await node.past(of: 14)
                #expect(past.segments.suffix(3) == window.segments.suffix(3) && past.hint == window.hint)
                #expect(past.targetDuration == window.targetDuration)
                for name in past.segments + past.initSections {
                    let answer = try await node.ask(name)
                    #expect(answer.status == 200 && answer.fields["cache-control"]?.contains("immutable") == true)
                    #expect(try folder.read(name) == answer.body, "\(name)")
                    let known = try await node.ask(name, fields: ["If-None-Match": answer.fields["etag"] ?? ""])
                    #expect(known.status == 304 && known.body.isEmpty, "\(name)")
                }
                try await delta(node, past)
                #expect(node.metric("millrace_dvr_media_total", "\"store\"") >= 5)
                #expect(node.metric("millrace_dvr_lookups_total", "\"found\"") >= 1)
                let stored = node.metric("millrace_dvr_media_total", "\"store\"")
                _ = try await node.ask(past.segments[0])
                #expect(node.metric("millrace_dvr_media_total", "\"store\"") == stored)
                #expect(node.metric("millrace_dvr_media_total", "\"memory\"") >= 1)
                node.running.keepHouse()
                #expect(node.metric("millrace_dvr_histories") == 1 && node.metric("millrace_dvr_memory_bytes") > 0)
            }
        }
    }

    /// What a player that knows the playlist asks, and what it is told then.
    private func delta(_ node: TestNode, _ past: ReadPlaylist) async throws {
        let query = "_HLS_msn=\(past.lastMSN)&_HLS_part=0"
        let whole = try await node.ask("/live/demo/main/media.m3u8?\(query)&dvr=1")
        #expect(whole.status == 200 && whole.fields["cache-control"] == "public, max-age=6")
        let tag = try #require(whole.fields["etag"])
        let known = try await node.ask("/live/demo/main/media.m3u8?\(query)&dvr=1", fields: ["If-None-Match": tag])
        #expect(known.status == 304 && known.body.isEmpty && known.fields["etag"] == tag)
        let short = try await node.ask("/live/demo/main/media.m3u8?\(query)&_HLS_skip=YES&dvr=1")
        let skipped = try #require(ReadPlaylist(short.text, at: "/").values(of: "#EXT-X-SKIP:SKIPPED-SEGMENTS=").first)
        let (all, rest) = (ReadPlaylist(whole.text, at: "/"), ReadPlaylist(short.text, at: "/"))
        #expect(all.segments.count == rest.segments.count + (Int(skipped) ?? 0) && rest.firstMSN == all.firstMSN)
        #expect(whole.fields["etag"] != short.fields["etag"])
        let plain = try await node.ask("/live/demo/main/media.m3u8?\(query)")
        #expect(plain.fields["etag"] != whole.fields["etag"] && plain.text.count < whole.text.count)
    }

    @Test("waits for the next part as every viewer does")
    func blocks() async throws {
        try await RewindFolder.use { folder in
            try await TestNode.run(folder.settings) { node in
                let publisher = try await folder.publish(9, to: node)
                let now = try await node.playlist(query: "?dvr=1")
                let waits = node.waits
                async let next = node.playlist(query: "?_HLS_msn=\(now.lastMSN + 2)&_HLS_part=0&dvr=1")
                try await eventually("it waits") { node.waits > waits }
                try await publisher.send(from: .milliseconds(9050), to: .milliseconds(11_050), of: .seconds)
                let playlist = try await next
                #expect(playlist.firstMSN <= now.firstMSN && playlist.lastMSN == now.lastMSN + 1)
                #expect(playlist.parts.last?.hasSuffix("/\(now.lastMSN + 2).0.m4s") == true)
            }
        }
    }

    @Test("gets the same bytes from an edge that joined late, for playlists and media")
    func otherEdge() async throws {
        try await RewindFolder.use { folder in
            try await TestCluster.run(2) { _, settings in
                folder.settings(&settings)
            } _: { cluster in
                _ = try await folder.publish(15, to: cluster[0])
                let known = try await cluster[0].past(of: 10)
                let path = "/live/demo/main/media.m3u8?_HLS_msn=\(known.lastMSN)&_HLS_part=0&dvr=1"
                try await eventually("both say the same, for good") {
                    let first = try await cluster[0].ask(path)
                    let second = try await cluster[1].ask(path)
                    return first.status == 200 && second.text == first.text
                        && ReadPlaylist(first.text, at: path).segments.count >= 13
                        && second.fields["cache-control"] == "public, max-age=6"
                        && first.fields["cache-control"] == "public, max-age=6"
                }
                try await eventually("routers pass the wish on") {
                    cluster.keepHouse()
                    let text = try await cluster[1].ask("/live/demo/index.m3u8?dvr=1").text
                    let names = text.split(separator: "\n").filter { $0.contains("media.m3u8") }
                    return text.contains("PATHWAY-ID") && names.allSatisfy { $0.hasSuffix("?dvr=1") }
                }
                for name in known.segments.prefix(3) {
                    let bytes = try await cluster[1].ask(name).body
                    #expect(!bytes.isEmpty)
                    #expect(try await cluster[0].ask(name).body == bytes)
                }
            }
        }
    }

    @Test("finds old media at an edge at which nobody went back before")
    func straightAway() async throws {
        try await RewindFolder.use { folder in
            try await TestCluster.run(2) { _, settings in
                folder.settings(&settings)
            } _: { cluster in
                _ = try await folder.publish(15, to: cluster[0])
                let known = try await cluster[0].past(of: 10)
                try await eventually("the other edge has the stream") {
                    try await cluster[1].ask("/live/demo/main/media.m3u8").status == 200
                }
                #expect(try await cluster[1].ask(known.segments[0]).status == 200)
                #expect(askedOfStore(cluster[1]) == 1)
                // A name that is listed is asked for, also where nothing is behind it.
                try folder.remove(known.segments[1])
                #expect(try await cluster[1].ask(known.segments[1]).status == 404)
                let asked = askedOfStore(cluster[1])
                #expect(asked == 2)
                // Made-up names cost the store nothing.
                let absent = cluster[1].metric("millrace_dvr_media_total", "\"absent\"")
                let term = try #require(known.term)
                for name in [
                    "\(term)/1.m4s", "1-1/\(known.firstMSN).m4s", "\(term)/init-7.mp4",
                    "\(term)/\(known.firstMSN).0.m4s",
                ] {
                    #expect(try await cluster[1].ask("/live/demo/main/\(name)").status == 404, "\(name)")
                }
                #expect(try await cluster[1].ask("/live/demo/other/\(term)/\(known.firstMSN).m4s").status == 404)
                #expect(try await cluster[1].ask("/live/nobody/main/\(term)/\(known.firstMSN).m4s").status == 404)
                #expect(askedOfStore(cluster[1]) == asked)
                #expect(cluster[1].metric("millrace_dvr_media_total", "\"absent\"") >= absent + 3)
            }
        }
    }

    /// How many objects the store was asked for, whatever it said.
    private func askedOfStore(_ node: TestNode) -> Int {
        ["store", "missing", "failed"].reduce(0) { $0 + node.metric("millrace_dvr_media_total", "\"\($1)\"") }
    }

    @Test("has no past of a stream that was taken down, once nobody holds it, however often it is asked for")
    func takedown() async throws {
        try await RewindFolder.use { folder in
            try await TestNode.run(folder.settings) { node in
                _ = try await folder.publish(12, to: node)
                let past = try await node.past(of: 10)
                let old = past.segments[0]
                #expect(try await node.ask(old).status == 200)
                #expect(try await node.ask("/api/v1/streams/demo", method: "DELETE").status == 200)
                // Held for a minute, for those who are late.
                try await eventually("it is gone") {
                    node.running.keepHouse()
                    return try await node.ask("/live/demo/main/media.m3u8").status == 404
                }
                for name in past.segments + past.initSections { #expect(try await node.ask(name).status == 404) }
                node.running.keepHouse()
                #expect(node.metric("millrace_dvr_histories") == 0 && node.metric("millrace_dvr_memory_bytes") == 0)
                #expect(try folder.read(old).count > 0, "the store is another's to empty")
            }
        }
    }

    @Test("is told by the playlist's own word, or by the settings, whether there is a past")
    func wishes() async throws {
        try await RewindFolder.use { folder in
            try await TestNode.run {
                folder.settings(&$0)
                $0.dvr.isDefault = true
            } _: { node in
                _ = try await folder.publish(9, to: node)
                try await eventually("the past is listed") { try await node.playlist().segments.count >= 8 }
                #expect(try await node.playlist(query: "?dvr=0").segments.count == 3)
                let index = try await node.ask("/live/demo/index.m3u8").text
                #expect(index.contains("\nmain/media.m3u8\n"))
                #expect(try await node.ask("/live/demo/index.m3u8?dvr=0").text.contains("\nmain/media.m3u8?dvr=0\n"))
                #expect(try await node.ask("/live/demo.m3u8?dvr=1").text.contains("\ndemo/main/media.m3u8?dvr=1\n"))
                #expect(try await node.ask("/api/v1/player").text.contains("\"dvrSeconds\":7200"))
            }
        }
    }

    @Test("has the window where nothing is kept, with the caching of everybody's playlists")
    func withoutStore() async throws {
        try await TestNode.run { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(4050), of: .seconds)
            try await eventually("it plays") { try await node.playlist().segments.count == 4 }
            #expect(try await node.playlist(query: "?dvr=1").lines == node.playlist().lines)
            #expect(!(try await node.ask("/live/demo/index.m3u8?dvr=1").text.contains("dvr=")))
            #expect(try await node.ask("/api/v1/player").text.contains("\"dvrSeconds\":null"))
        }
        try await RewindFolder.use { folder in
            try await TestNode.run {
                folder.settings(&$0)
                $0.storage.record = ["tv"]
            } _: { node in
                let publisher = try await node.publisher()
                try await publisher.publish(.milliseconds(6050), of: .seconds)
                try await eventually("it plays") { try await node.playlist().segments.count == 3 }
                let now = try await node.playlist()
                let path = "/live/demo/main/media.m3u8?_HLS_msn=\(now.lastMSN)&_HLS_part=0&dvr=1"
                let answer = try await node.ask(path)
                #expect(ReadPlaylist(answer.text, at: path).segments.count <= 3)
                #expect(answer.fields["cache-control"] == "public, max-age=6")
                #expect(node.metric("millrace_dvr_lookups_total") == 0)
                // Nor does the page offer it there.
                #expect(try await node.ask("/api/v1/player?stream=live/demo").text.contains("\"dvrSeconds\":null"))
                #expect(try await node.ask("/api/v1/player?stream=tv%2Fnews").text.contains("\"dvrSeconds\":7200"))
            }
        }
    }

    @Test("plays on at the live edge while the store does not answer, and nobody keeps what was said then")
    func trouble() async throws {
        try await TestNode.run {
            $0.hls.window = 3
            $0.storage.kind = .s3
            $0.storage.endpoint = "http://127.0.0.1:9"
            $0.storage.bucket = "live"
            $0.storage.account = "nobody"
            $0.storage.secret = SecretText("never-in-a-log")
        } _: { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(6050), of: .seconds)
            try await eventually("it plays") { try await node.playlist().segments.count == 3 }
            let first = try await node.ask("/live/demo/main/media.m3u8?dvr=1")
            let listed = ReadPlaylist(first.text, at: "/live/demo/main/")
            #expect(listed.segments.count >= 3 && first.fields["cache-control"] == "no-store")
            #expect(first.fields["etag"] == nil)
            try await publisher.send(from: .milliseconds(6050), to: .milliseconds(8050), of: .seconds)
            try await eventually("it goes on") {
                try await node.playlist(query: "?dvr=1").lastMSN >= listed.lastMSN + 2
            }
            #expect(try await node.playlist(query: "?dvr=1").firstMSN >= listed.firstMSN)
            #expect(node.metric("millrace_dvr_lookups_total", "\"failed\"") >= 1)
        }
    }

    @Test("is refused what the settings say against each other")
    func contradictions() {
        let table: [(String, (inout NodeSettings) -> Void)] = [
            ("dvr.url and dvr.disk need storage.kind", { $0.dvr.base = "https://store.example" }),
            (
                "dvr.disk is another folder than storage.path and storage.spill",
                {
                    $0.storage.kind = .file
                    $0.storage.path = "/a"
                    $0.dvr.disk = "/a"
                }
            ),
            (
                "storage.parts needs storage.concurrency 2 or more, as segments would wait for parts",
                {
                    $0.storage.parts = true
                    $0.storage.concurrency = 1
                }
            ),
            (
                "dvr.window is at most cdn.token_life: what is listed must be let in",
                {
                    $0.storage.kind = .file
                    $0.storage.path = "/a"
                    $0.cdn.url = "https://cdn.example"
                    $0.cdn.signer = .secureLink
                    $0.cdn.key = SecretText("0123456789abcdef")
                    $0.cdn.tokenLife = .seconds(60)
                }
            ),
        ]
        for (sentence, change) in table {
            var settings = NodeSettings()
            change(&settings)
            #expect(settings.contradictions.contains(sentence), "\(settings.contradictions)")
        }
    }

    @Test("finds on the disk what memory had no room for")
    func disk() async throws {
        try await RewindFolder.use { folder in
            try await TestNode.run {
                folder.settings(&$0)
                // One is always kept.
                $0.dvr.memory = .bytes(1)
                $0.dvr.disk = folder.path + "-disk"
            } _: { node in
                _ = try await folder.publish(12, to: node)
                // What the window still has is answered from there, and comes to no disk.
                let past = try await node.past(of: 10)
                let first = try #require(past.segments.first)
                let bytes = try await node.ask(first).body
                try await eventually("the disk has it") { folder.hasOnDisk(first) }
                // Another takes its place in memory, and the store has it no more.
                for name in past.segments.dropFirst().prefix(4) { _ = try await node.ask(name) }
                try folder.remove(first)
                let stored = node.metric("millrace_dvr_media_total", "\"store\"")
                #expect(try await node.ask(first).body == bytes)
                #expect(node.metric("millrace_dvr_media_total", "\"disk\"") == 1)
                #expect(node.metric("millrace_dvr_media_total", "\"store\"") == stored && stored == 5)
            }
        }
    }
}

extension TestNode {
    /// The playlist that reaches back, once it lists so many segments.
    fileprivate func past(of segments: Int) async throws -> ReadPlaylist {
        var past = try await playlist(query: "?dvr=1")
        try await eventually("the past is known") {
            past = try await playlist(query: "?dvr=1")
            return past.segments.count >= segments
        }
        return past
    }
}

/// A folder for a store, which is removed in the end, for a node with a short window.
private struct RewindFolder {
    private let url: URL

    static func use(_ body: (RewindFolder) async throws -> Void) async throws {
        let name = "store-\(UInt64.random(in: 0 ... .max))"
        let folder = RewindFolder(url: FileManager.default.temporaryDirectory.appending(path: name))
        defer {
            try? FileManager.default.removeItem(at: folder.url)
            try? FileManager.default.removeItem(atPath: folder.path + "-disk")
        }
        try await body(folder)
    }

    var path: String { url.path }

    func settings(_ settings: inout NodeSettings) {
        settings.storage.kind = .file
        settings.storage.path = url.path
        settings.hls.window = 3
    }

    /// Publishes so many segments of a second, as fast as the store takes them.
    func publish(_ seconds: Int, to node: TestNode) async throws -> RTMPPeer {
        let publisher = try await node.publisher()
        try await publisher.publish(.milliseconds(3050), of: .seconds)
        for end in stride(from: 3, to: seconds, by: 3) {
            try await eventually("\(end) seconds are stored") { count >= end - 1 }
            try await publisher.send(
                from: .milliseconds(end * 1000 + 50), to: .milliseconds(end * 1000 + 3050), of: .seconds)
        }
        try await eventually("all is stored") { count >= seconds - 1 }
        return publisher
    }

    /// How many segments the store's playlists list.
    private var count: Int {
        let folder = url.appending(path: "live/demo/main")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".m3u8") }.reduce(0) { sum, name in
            let text = (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
            return sum + text.split(separator: "\n").count { $0.hasPrefix("#EXTINF") }
        }
    }

    /// The bytes under a path as nodes serve it.
    func read(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: url.appending(path: String(path.dropFirst()))))
    }

    func remove(_ path: String) throws {
        try FileManager.default.removeItem(at: url.appending(path: String(path.dropFirst())))
    }

    func hasOnDisk(_ path: String) -> Bool {
        let files = FileManager.default.enumerator(atPath: self.path + "-disk")
        while let file = files?.nextObject() as? String { if file.hasSuffix(path) { return true } }
        return false
    }
}
