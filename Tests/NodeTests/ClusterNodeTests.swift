// SPDX-License-Identifier: Apache-2.0

import Cluster
import Media
import Node
import NodeKit
import RTMP
import TestKit
import Testing

@Suite("A cluster of nodes", .serialized)
struct ClusterNodeTests {
    private func publish(_ node: TestNode, seconds: Duration = .milliseconds(4050)) async throws -> RTMPPeer {
        let publisher = try await node.publisher()
        try await publisher.publish(seconds, of: .seconds)
        return publisher
    }

    private func media(_ node: TestNode) async throws -> String {
        try await node.ask("/live/demo/main/media.m3u8").text
    }

    @Test("gives the same bytes on every node, whoever has the publisher")
    func sameBytes() async throws {
        try await TestCluster.run(3) { cluster in
            _ = try await publish(cluster[0])
            try await eventually("the playlist is everywhere the same") {
                cluster.keepHouse()
                let texts = try await [media(cluster[0]), media(cluster[1]), media(cluster[2])]
                return texts[0].contains(".m4s") && texts.allSatisfy { $0 == texts[0] }
            }
            let names = try await media(cluster[0]).split(separator: "\n").filter { $0.hasSuffix(".m4s") }
            #expect(names.count >= 2)
            for name in names {
                let bodies = try await [0, 1, 2].asyncMap { try await cluster[$0].ask("/live/demo/main/\(name)").body }
                #expect(!bodies[0].isEmpty && bodies[1] == bodies[0] && bodies[2] == bodies[0])
            }
            #expect(cluster[1].metric("millrace_segment_mismatch_total") == 0)
        }
    }

    @Test("tells a viewer of two edges, and serves what it said there")
    func twoEdges() async throws {
        try await TestCluster.run(3) { cluster in
            _ = try await publish(cluster[0])
            var text = ""
            try await eventually("a router writes the playlist") {
                cluster.keepHouse()
                text = try await cluster[2].ask("/live/demo/index.m3u8").text
                return text.contains("PATHWAY-ID")
            }
            let urls = text.split(separator: "\n").filter { $0.hasPrefix("http://127.0.0.1:") }
            #expect(urls.count == 2 && Set(urls).count == 2)
            for url in urls {
                let place = url.dropFirst("http://127.0.0.1:".count)
                let port = Int(place.prefix { $0 != "/" })
                let node = try #require(cluster.nodes.first { $0.httpPort == port })
                try await eventually("the edge has it") {
                    try await node.ask(String(place.drop { $0 != "/" })).text.contains(".m4s")
                }
            }
        }
    }

    @Test("lists on when the standby dies, and finds another")
    func standbyDies() async throws {
        try await TestCluster.run(3) { cluster in
            let publisher = try await publish(cluster[0])
            let held = { (node: TestNode) in node.metric("millrace_relay_upstreams") == 1 }
            try await eventually("one holds it beside the gateway") {
                cluster.keepHouse()
                return cluster.nodes.dropFirst().contains(where: held)
            }
            let standby = try #require(cluster.nodes.dropFirst().first(where: held))
            let other = try #require(cluster.nodes.dropFirst().first { $0.httpPort != standby.httpPort })
            await standby.stop()
            try await eventually("the other holds it now") {
                other.running.keepHouse()
                cluster[0].running.keepHouse()
                return held(other)
            }
            let before = try await media(cluster[0])
            try await publisher.send(from: .milliseconds(4050), to: .seconds(8), of: .seconds)
            try await eventually("the playlist goes on") { try await media(cluster[0]) != before }
        }
    }

    @Test("sends publishers from a node that is no origin to one that is")
    func publishersGoToOrigins() async throws {
        try await TestCluster.run(2, { number, settings in if number == 1 { settings.roles = [.edge, .router] } }) {
            cluster in
            let peer = try await RTMPPeer.connect(cluster[1].rtmpPort, .publish, name: "demo")
            try await eventually("it is refused") { peer.story.refusal != nil }
            #expect(cluster[1].metric("millrace_publishers_came_total") == 0)
        }
    }

    @Test("says 503 to viewers of a live stream while no edge is there")
    func noEdge() async throws {
        try await TestCluster.run(2, { _, settings in settings.roles = [.origin, .router] }) { cluster in
            _ = try await publish(cluster[0])
            try await eventually("nobody serves it") {
                let answer = try await cluster[1].ask("/live/demo/index.m3u8")
                return answer.status == 503 && answer.fields["retry-after"] == "2"
            }
        }
    }

    @Test("keeps strangers out: another key, another name, the name of a member")
    func strangers() async throws {
        try await TestCluster.run(2) { cluster in
            let seed = cluster[0].assembly.gossipPort
            let foreign = try await TestNode.start {
                TestCluster.join(&$0, "foreign", seed: seed)
                $0.cluster.key = SecretText(String(TestCluster.key.reversed()))
            }
            let elsewhere = try await TestNode.start {
                TestCluster.join(&$0, "elsewhere", seed: seed)
                $0.cluster.name = "other"
            }
            let twin = try await TestNode.start { TestCluster.join(&$0, "n1", seed: seed) }
            try await eventually("each is refused and counted") {
                cluster[0].metric("millrace_gossip_refused_total", "\"unknown_key\"") > 0
                    && cluster[0].metric("millrace_gossip_refused_total", "\"wrong_cluster\"") > 0
                    && twin.metric("millrace_gossip_reports_total") > 0
            }
            #expect(cluster[0].metric("millrace_cluster_members", "\"alive\"") == 2)
            #expect(foreign.log.text.contains("no member was found yet"))
            for node in [foreign, elsewhere, twin] { await node.stop() }
        }
    }

    @Test("drains a node: it is not ready, takes no new stream, and gets no new viewers")
    func drain() async throws {
        try await TestCluster.run(2) { cluster in
            let answer = try await cluster[0].ask(
                "/api/v1/cluster/nodes/n1/drain", method: "POST", body: "{\"deadline\": 3600}")
            #expect(answer.status == 202)
            try await eventually("it drains") { try await cluster[1].ask("/ready").status == 503 }
            let peer = try await RTMPPeer.connect(cluster[1].rtmpPort, .publish, name: "demo")
            try await eventually("it is refused") { peer.story.refusal != nil }
            _ = try await publish(cluster[0])
            try await eventually("viewers go to the other") {
                cluster.keepHouse()
                let text = try await cluster[1].ask("/live/demo/index.m3u8").text
                return text.contains("#EXT-X-STREAM-INF") && !text.contains(":\(cluster[1].httpPort)/")
            }
        }
    }

    @Test("changes its key while it runs")
    func keys() async throws {
        try await TestCluster.run(2) { cluster in
            let fresh = String(repeating: "ab", count: 32)
            let verbs = ["{\"verb\": \"install\", \"secret\": \"\(fresh)\"}"]
            for body in verbs {
                let answer = try await cluster[0].ask("/api/v1/cluster/keys", method: "POST", body: body)
                #expect(answer.status / 100 == 2, "\(answer.text)")
            }
            var listed = ""
            try await eventually("the other has it") {
                listed = try await cluster[1].ask("/api/v1/cluster/keys").text
                return listed.components(of: "\"inUse\"") == 2
            }
            #expect(!listed.contains(fresh))
        }
    }
}

extension Sequence where Self: Sendable, Element: Sendable {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}

extension String {
    /// How often `part` is in it.
    fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
