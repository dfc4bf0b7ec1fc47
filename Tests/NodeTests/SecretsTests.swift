// SPDX-License-Identifier: Apache-2.0

import Access
import Identity
import Media
import Node
import NodeKit
import RTMP
import TestKit
import Testing

@Suite("A key or token")
struct SecretsTests {
    @Test("stands in no answer, log, metric or list")
    func nowhere() async throws {
        try await TestNode.run {
            $0.access.trustLoopback = false
            $0.access.viewerApps = ["vip"]
        } _: { node in
            let id = try StreamID(parsing: "vip/show")
            let (publish, refused) = (node.publishToken(id), node.publishToken(try StreamID(parsing: "vip/other")))
            let (viewer, expired) = (node.viewerToken(id), node.viewerToken(id, life: .seconds(-5)))
            let (admin, past) = (node.controlToken(.admin), node.controlToken(.admin, life: .seconds(-5)))
            let secrets = [
                publish, refused, viewer, String(viewer.dropFirst()), String(expired.dropFirst()), admin, past,
                "hunter-two", TestNode.secret,
            ]
            var said: [String] = []
            let publisher = try await node.publisher("show?token=\(publish)&key=hunter-two", app: "vip")
            try await publisher.publish(.seconds(3))
            try await publisher.send([metadata(publish)])
            let bearer = ["Authorization": "Bearer \(admin)"]
            try await eventually("it says of itself") {
                try await text("/api/v1/streams", node, bearer).contains("a title")
            }
            for name in ["show?token=\(refused)", "show?key=hunter-two", "\(publish)/..?token=\(publish)"] {
                let other = try await RTMPPeer.connect(node.rtmpPort, .publish, app: "vip", name: name)
                try await eventually("it is refused") { other.story.refusal != nil }
                said.append("\(other.story.refusal ?? "")")
            }
            let player = try await node.player("show?token=\(viewer.dropFirst())", app: "vip")
            try await eventually("it plays") { !player.story.media.isEmpty }
            for token in [viewer, expired] {
                for file in ["/index.m3u8", "/main/media.m3u8", ".m3u8", "/nothing", "/main/1-2/3.m4s"] {
                    said.append(try await text("/\(token)/vip/show\(file)", node))
                }
            }
            for token in [admin, past] {
                let bearer = ["Authorization": "Bearer \(token)"]
                for path in [
                    "/api/v1/streams", "/api/v1/streams/vip%2Fshow", "/api/v1/streams/vip%2Fshow/viewers",
                    "/api/v1/status", "/api/v1/player", "/metrics", "/health", "/ready", "/nothing",
                ] {
                    said.append(try await text(path, node, bearer))
                }
            }
            said.append(try await text("/api/v1/streams?token=\(admin)", node))
            said.append(try await text("/\(viewer)/watch/vip/show", node))
            await publisher.vanish()
            try await eventually("it has left") { node.metric("millrace_publishers_left_total") == 1 }
            #expect(said.contains { $0.contains("a title") } && node.log.text.contains("publisher came"))
            for secret in secrets {
                #expect(!node.log.text.contains(secret), "\(secret) in the log")
                for text in said where text.contains(secret) { Issue.record("\(secret) in \(text)") }
            }
        }
    }

    /// Head and body of an answer.
    private func text(_ path: String, _ node: TestNode, _ fields: [String: String] = [:]) async throws -> String {
        let answer = try await node.ask(path, fields: fields)
        return "\(answer.status) \(answer.fields) \(answer.text)"
    }

    /// What a careless encoder says of itself.
    private func metadata(_ token: String) -> MediaTag {
        let properties = [
            AMFProperty("title", .string("a title")), AMFProperty("streamKey", .string("hunter-two")),
            AMFProperty("authToken", .string(token)), AMFProperty("tcUrl", .string("rtmp://x/vip?token=\(token)")),
            AMFProperty("comment", .string("rtmp://x/vip/show?token=\(token)")),
        ]
        let body = AMFEncoder.encode([.string("@setDataFrame"), .string("onMetaData"), .ecmaArray(properties)])
        return MediaTag(kind: .data, timestamp: 0, header: [], payload: body[...])
    }
}
