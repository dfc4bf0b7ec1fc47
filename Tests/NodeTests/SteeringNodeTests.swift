// SPDX-License-Identifier: Apache-2.0

import Access
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
            try await eventually("it is calm") {
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

    @Test("moves a share of an audience by one request, and lets it go again")
    func shares() async throws {
        try await TestNode.run {
            $0.cdn.url = "https://cdn.example"
            $0.access.trustLoopback = false
        } _: { node in
            let publisher = try await node.publisher("demo?token=\(node.publishToken(try .init(parsing: "live/demo")))")
            try await publisher.publish(.milliseconds(3050))
            try await eventually("it is live") { try await node.playlist().segments.count >= 2 }
            let operators = ["Authorization": "Bearer \(node.controlToken(.operator))"]
            let readers = ["Authorization": "Bearer \(node.controlToken(.reader))"]
            func put(_ body: String, _ fields: [String: String]) async throws -> HTTPAnswer {
                try await node.ask("/api/v1/steering", method: "PUT", fields: fields, body: body)
            }
            let wish = #"{"streamKey": "demo", "shares": {"CDN": 40}, "expiresIn": 600}"#
            #expect(try await put(wish, [:]).status == 401)
            #expect(try await put(wish, readers).status == 403)
            for bad in [
                "", "{}", #"{"shares": {}}"#, #"{"shares": {"CDN": 101}}"#, #"{"shares": {"CDN": -1}}"#,
                #"{"shares": {"a": 60, "b": 60}}"#, #"{"shares": {"a b": 1}}"#, #"{"shares": {"CDN": 1.5}}"#,
                #"{"shares": {"CDN": 1}, "expiresIn": 0}"#, #"{"shares": {"CDN": 1}, "expiresIn": 604801}"#,
                #"{"shares": {"CDN": 1}, "streamKey": "../x"}"#,
            ] { #expect(try await put(bad, operators).status == 400, "\(bad)") }
            #expect(try await led(node) == 0)
            #expect(try await put(wish, operators).status == 200)
            #expect(abs(try await led(node) - 40) < 20)
            let list = try await node.ask("/api/v1/steering", fields: readers).text
            #expect(list.contains(#""shares":{"CDN":40}"#) && list.contains(#""total":1"#))
            #expect(node.metric("millrace_steering_shared_total") > 0)
            #expect(try await put(#"{"streamKey": "demo", "shares": {"CDN": 100}}"#, operators).status == 200)
            #expect(try await led(node) == 100)
            let path = "/api/v1/steering?stream=demo"
            #expect(try await node.ask(path, method: "DELETE", fields: readers).status == 403)
            #expect(try await node.ask(path, method: "DELETE", fields: operators).status == 204)
            #expect(try await node.ask(path, method: "DELETE", fields: operators).status == 404)
            #expect(try await led(node) == 0)
            #expect(try await put(#"{"shares": {"CDN": 100}, "expiresIn": 1}"#, operators).status == 200)
            try await eventually("it has ended") { try await led(node) == 0 }
        }
        try await TestNode.run {
            $0.router.steeringLife = .zero
        } _: { node in
            let answer = try await node.ask("/api/v1/steering", method: "PUT", body: #"{"shares": {"CDN": 1}}"#)
            #expect(answer.status == 409)
        }
    }

    @Test("moves a share of an audience at every node of its cluster, whichever is asked")
    func clusterShares() async throws {
        try await TestCluster.run(3) { _, settings in
            settings.cdn.url = "https://cdn.example"
        } _: { cluster in
            let publisher = try await cluster[0].publisher()
            try await publisher.publish(.milliseconds(3050))
            try await eventually("all know of it") {
                cluster.keepHouse()
                for node in cluster.nodes where try await !priority(node, "EDGE").contains("CDN") { return false }
                return true
            }
            let answer = try await cluster[2].ask(
                "/api/v1/steering", method: "PUT", body: #"{"streamKey": "demo", "shares": {"CDN": 100}}"#)
            #expect(answer.status == 200)
            try await eventually("all lead there") {
                for node in cluster.nodes where try await led(node) != 100 { return false }
                return true
            }
            #expect(try await cluster[1].ask("/api/v1/steering?stream=demo", method: "DELETE").status == 204)
            try await eventually("none leads there") {
                for node in cluster.nodes where try await led(node) != 0 { return false }
                return true
            }
        }
    }

    /// How many of a hundred viewers are led to the CDN.
    private func led(_ node: TestNode) async throws -> Int {
        let stream = try StreamID(parsing: "live/demo")
        var count = 0
        for session in 0..<100 as Range<UInt64> {
            let token = node.viewerToken(stream, session: session &* 0x9E37_79B9_7F4A_7C15)
            let answer = try await node.ask("/\(token)/live/demo/steering.json?at=EDGE,CDN&_HLS_pathway=EDGE")
            let manifest = try JSONDecoder().decode(Manifest.self, from: Data(answer.body))
            count += manifest.priority.first == "CDN" ? 1 : 0
        }
        return count
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
