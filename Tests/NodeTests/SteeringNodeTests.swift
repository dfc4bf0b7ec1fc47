// SPDX-License-Identifier: Apache-2.0

import Foundation
import Identity
import Node
import NodeKit
import TestKit
import Testing

@Suite("A node that steers")
struct SteeringNodeTests {
    @Test("names the CDN beside itself, and leads there and back by load")
    func load() async throws {
        try await TestNode.run {
            $0.cdn.url = "https://cdn.example"
            $0.cdn.viewers = 2
            $0.cdn.calm = .seconds(1)
            $0.router.steeringLife = .seconds(1)
        } _: { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(3050))
            try await eventually("it is live") { try await node.playlist().segments.count >= 2 }
            let text = try await node.ask("/live/demo/index.m3u8").text
            #expect(
                text.contains(
                    "\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"steering.json?at=EDGE,CDN\",PATHWAY-ID=\"EDGE\"\n"))
            #expect(text.contains(",PATHWAY-ID=\"EDGE\"\nmain/media.m3u8\n"))
            #expect(text.contains(",PATHWAY-ID=\"CDN\"\nhttps://cdn.example/live/demo/main/media.m3u8\n"))
            let flat = try await node.ask("/live/demo.m3u8").text
            #expect(flat.contains("SERVER-URI=\"demo/steering.json?at=EDGE,CDN\""))
            #expect(try await priority(node, "EDGE") == ["EDGE", "CDN"])
            _ = try await node.ask("/live/demo/main/media.m3u8", fields: ["User-Agent": "another"])
            node.running.keepHouse()
            #expect(try await priority(node, "EDGE") == ["CDN", "EDGE"])
            // Who is at the CDN still counts.
            _ = try await priority(node, "CDN")
            node.running.keepHouse()
            #expect(try await priority(node, "CDN") == ["CDN", "EDGE"])
            #expect(node.metric("millrace_steering_answers_total", "\"cdn\"") >= 2)
            try await eventually("it is calm", within: .seconds(60)) {
                node.running.keepHouse()
                return try await priority(node, "EDGE") == ["EDGE", "CDN"]
            }
        }
    }

    @Test(
        "names nothing beside itself that it may not",
        arguments: [
            { $0.cdn.offload = .never }, { $0.router.steeringLife = .zero }, { $0.access.viewerApps = ["live"] },
            {
                $0.cdn.signer = .akamai
                $0.cdn.key = SecretText("aabbcc")
            },
        ] as [@Sendable (inout NodeSettings) -> Void])
    func alone(change: @Sendable (inout NodeSettings) -> Void) async throws {
        try await TestNode.run {
            $0.cdn.url = "https://cdn.example"
            change(&$0)
        } _: { node in
            let publisher = try await node.publisher()
            try await publisher.publish(.milliseconds(3050))
            let token = node.viewerToken(try .init(parsing: "live/demo"))
            try await eventually("it is live") {
                try await node.ask("/\(token)/live/demo/index.m3u8").text.contains("#EXT-X-STREAM-INF")
            }
            #expect(!(try await node.ask("/\(token)/live/demo/index.m3u8").text.contains("PATHWAY-ID")))
        }
    }

    @Test("answers nobody who may not watch, and no path that is none")
    func refusals() async throws {
        try await TestNode.run {
            $0.access.viewerApps = ["vip"]
        } _: { node in
            #expect(try await node.ask("/vip/show/steering.json").status == 401)
            #expect(try await node.ask("/~nonsense/vip/show/steering.json").status == 403)
            let token = node.viewerToken(try .init(parsing: "vip/show"))
            #expect(try await node.ask("/\(token)/vip/show/steering.json?at=EDGE").status == 200)
            #expect(try await node.ask("/steering.json").status == 404)
            #expect(try await node.ask("/live/../steering.json").status == 404)
        }
    }

    private func priority(_ node: TestNode, _ pathway: String) async throws -> [String] {
        let answer = try await node.ask(
            "/live/demo/steering.json?at=EDGE,CDN&_HLS_pathway=\(pathway)&_HLS_throughput=5140000")
        #expect(answer.status == 200)
        #expect(answer.fields["cache-control"] == "no-store")
        #expect(answer.fields["access-control-allow-origin"] == "*")
        let manifest = try JSONDecoder().decode(Manifest.self, from: Data(answer.body))
        #expect(manifest.version == 1)
        return manifest.priority
    }

    private struct Manifest: Decodable {
        let version: Int
        let priority: [String]

        enum CodingKeys: String, CodingKey {
            case version = "VERSION"
            case priority = "PATHWAY-PRIORITY"
        }
    }
}
