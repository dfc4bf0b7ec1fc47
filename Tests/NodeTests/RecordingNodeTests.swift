// SPDX-License-Identifier: Apache-2.0

import Foundation
import Media
import Node
import NodeKit
import TestKit
import Testing

@Suite("A node with a store")
struct RecordingNodeTests {
    @Test("records a stream, and gives it up for playing, listing and deleting")
    func records() async throws {
        try await Folder.use { folder in
            try await TestNode.run {
                folder.settings(&$0)
                $0.dvr.base = "https://store.test/live"
            } _: { node in
                let publisher = try await node.publisher()
                try await publisher.publish(.milliseconds(5050), of: .seconds)
                try await eventually("it is being recorded") { try await recordings(node).first?.segments ?? 0 >= 4 }
                let living = try #require(try await recordings(node).first)
                #expect(living.state == "recording")
                #expect(living.url == "https://store.test/live/recordings/\(living.id).m3u8")
                let path = "/api/v1/recordings/" + living.id.replacing("/", with: "%2F")
                #expect(try await node.ask(path, method: "DELETE").status == 409)
                #expect(try await node.ask("/api/v1/streams/demo/stop", method: "POST").status == 200)
                try await eventually("it is whole") { try await recordings(node).first?.state == "finished" }
                let text = try folder.read("live/demo/main/\(living.number).m3u8")
                #expect(text.hasSuffix("#EXT-X-ENDLIST\n") && text.contains("#EXT-X-PLAYLIST-TYPE:VOD\n"))
                for name in text.split(separator: "\n") where name.hasSuffix(".m4s") {
                    #expect(folder.has("live/demo/main/\(name)"))
                }
                #expect(try folder.read("live/demo/index.m3u8").contains("\nmain/\(living.number).m3u8\n"))
                #expect(node.metric("millrace_upload_lag_seconds_count") >= 5)
                try await eventually("its recorder is done") { node.metric("millrace_recorders_active") == 0 }
                #expect(node.metric("millrace_recordings_finished_total") == 1)
                #expect(try await node.ask(path, method: "DELETE").status == 204)
                #expect(try await node.ask(path).status == 404)
                #expect(!folder.has("live") && !folder.has("recordings"))
                #expect(node.metric("millrace_recordings_deleted_total") == 1)
            }
        }
    }

    @Test("stores parts where it is asked to, and ends a recording before they are removed")
    func parts() async throws {
        try await Folder.use { folder in
            try await TestNode.run {
                folder.settings(&$0)
                $0.storage.parts = true
            } _: { node in
                let publisher = try await node.publisher()
                try await publisher.publish(.milliseconds(4700), of: .seconds)
                func parts(_ outcome: String) -> Int { node.metric("millrace_upload_parts_total", "\"\(outcome)\"") }
                try await eventually("parts are stored") { parts("stored") > 0 }
                #expect(try await node.ask("/api/v1/streams/demo/stop", method: "POST").status == 200)
                try await eventually("its recorder is done") { node.metric("millrace_recorders_active") == 0 }
                #expect(try await recordings(node).first?.state == "finished")
                #expect(parts("removed") == 0, "players at the live edge ask for them")
            }
        }
    }

    @Test("goes on with what a killed node has recorded")
    func crash() async throws {
        try await Folder.use { folder in
            let first = try await TestNode.start(folder.settings)
            do {
                let publisher = try await first.publisher()
                try await publisher.publish(.milliseconds(4050), of: .seconds)
                try await eventually("four are stored") {
                    try await recordings(first).first?.segments ?? 0 >= 4
                }
            } catch {
                await first.stop()
                throw error
            }
            await first.crash()
            try await TestNode.run(folder.settings) { node in
                let left = try #require(try await recordings(node).first)
                #expect(left.state == "unfinished" && left.url == nil)
                let publisher = try await node.publisher()
                try await publisher.publish(.milliseconds(3050), of: .seconds)
                try await eventually("it goes on") { try await recordings(node).first?.segments ?? 0 >= 7 }
                #expect(try await node.ask("/api/v1/streams/demo/stop", method: "POST").status == 200)
                try await eventually("it is whole") { try await recordings(node).first?.state == "finished" }
                let all = try await recordings(node)
                #expect(all.map(\.id) == [left.id])
                let text = try folder.read("live/demo/main/\(left.number).m3u8")
                #expect(text.split(separator: "\n").count { $0 == "#EXT-X-DISCONTINUITY" } == 1)
                for name in text.split(separator: "\n") where name.hasSuffix(".m4s") {
                    #expect(folder.has("live/demo/main/\(name)"))
                }
            }
        }
    }

    @Test("leaves apps alone that it is not to record")
    func apps() async throws {
        try await Folder.use { folder in
            try await TestNode.run {
                folder.settings(&$0)
                $0.storage.record = ["tv"]
            } _: { node in
                let publisher = try await node.publisher()
                try await publisher.publish(.milliseconds(3050), of: .seconds)
                try await eventually("it plays") { try await node.playlist().segments.count >= 3 }
                #expect(node.metric("millrace_recorders_active") == 0 && !folder.has("live"))
            }
        }
    }

    @Test("says in one line that its store takes nothing, and serves as ever")
    func trouble() async throws {
        try await Folder.use { folder in
            try await TestNode.run {
                $0.storage.kind = .s3
                $0.storage.endpoint = "http://127.0.0.1:9"
                $0.storage.bucket = "live"
                $0.storage.account = "nobody"
                $0.storage.secret = SecretText("never-in-a-log")
            } _: { node in
                let publisher = try await node.publisher()
                try await publisher.publish(.milliseconds(4050), of: .seconds)
                try await eventually("it plays") { try await node.playlist().segments.count >= 4 }
                try await eventually("the operator is told") {
                    node.log.text.contains("the object store does not take uploads")
                }
                let health = try await node.ask("/health")
                #expect(String(decoding: health.body, as: UTF8.self).contains("\"storage\":\"unreachable"))
                #expect(try await node.ask("/ready").status == 200)
                #expect(try await node.ask("/api/v1/recordings").status == 502)
                #expect(
                    node.metric("millrace_upload_troubled") == 1 && node.metric("millrace_store_attempts_total") > 0)
                #expect(!node.log.text.contains("never-in-a-log"))
            }
        }
    }

    private struct Recording: Decodable {
        let id: String
        let state: String
        let segments: Int
        let url: String?

        var number: Substring { id.split(separator: "/").last ?? "" }
    }

    private struct Recordings: Decodable { let recordings: [Recording] }

    private func recordings(_ node: TestNode) async throws -> [Recording] {
        let answer = try await node.ask("/api/v1/recordings")
        guard answer.status == 200 else { return [] }
        return try JSONDecoder().decode(Recordings.self, from: Data(answer.body)).recordings
    }
}

/// A folder for a store, which is removed in the end.
private struct Folder {
    private let url: URL

    static func use(_ body: (Folder) async throws -> Void) async throws {
        let name = "store-\(UInt64.random(in: 0 ... .max))"
        let folder = Folder(url: FileManager.default.temporaryDirectory.appending(path: name))
        defer { try? FileManager.default.removeItem(at: folder.url) }
        try await body(folder)
    }

    func settings(_ settings: inout NodeSettings) {
        settings.storage.kind = .file
        settings.storage.path = url.path
    }

    func read(_ name: String) throws -> String { try String(contentsOf: url.appending(path: name), encoding: .utf8) }

    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: url.appending(path: name).path) }
}
