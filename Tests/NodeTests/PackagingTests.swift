// SPDX-License-Identifier: Apache-2.0

import Node
import NodeKit
import TestKit
import Testing

@Suite("The version of the byte writer", .serialized)
struct PackagingTests {
    /// The version of each segment that a node lists, in order: whether it says when its media was.
    private func versions(_ node: TestNode) async throws -> [Int] {
        let playlist = ReadPlaylist(
            try await node.ask("/live/demo/main/media.m3u8").text, at: "/live/demo/main/media.m3u8")
        var versions: [Int] = []
        for name in playlist.segments {
            let body = try await node.ask(name).body
            versions.append(body.dropFirst(28).prefix(4).elementsEqual("prft".utf8) ? 2 : 1)
        }
        return versions
    }

    @Test("is one that all write when a term begins, and a newer one in a later term, when all do")
    func negotiated() async throws {
        try await TestCluster.run(
            3,
            { number, settings in
                settings.cluster.checkedOneIn = 1
                if number == 1 { settings.cluster.packaging = 1 }
            }
        ) { cluster in
            let first = try await cluster[0].publisher()
            try await first.publish(.milliseconds(5050), of: .seconds)
            try await eventually("all have it, in the first version") {
                cluster.keepHouse()
                for node in cluster.nodes {
                    let versions = try await versions(node)
                    guard versions.count >= 2 else { return false }
                    #expect(Set(versions) == [1])
                }
                return true
            }
            let left = [cluster[0], cluster[2]]
            await cluster[1].crash()
            try await eventually("it is dead") {
                left.allSatisfy { $0.metric("millrace_cluster_members", "\"dead\"") == 1 }
            }
            let second = try await cluster[2].publisher()
            try await second.publish(.milliseconds(5050), of: .seconds)
            try await eventually("it goes on in the second version") {
                for node in left { node.running.keepHouse() }
                for node in left where try await versions(node).last != 2 { return false }
                return true
            }
            for node in left {
                let versions = try await versions(node)
                #expect(versions == versions.sorted() && versions.first == 1)
                #expect(node.metric("millrace_segment_mismatch_total") == 0)
                #expect(node.metric("millrace_relay_foreign_packaging_total") == 0)
            }
            #expect(left.contains { $0.metric("millrace_segment_checks_total") > 0 })
        }
    }

    @Test("that a node is set not to write makes it take no such stream")
    func refused() async throws {
        try await TestCluster.run(2) { cluster in
            let publisher = try await cluster[0].publisher()
            try await publisher.publish(.milliseconds(4050), of: .seconds)
            try await eventually("it plays") { try await versions(cluster[1]).last == 2 }
            let old = try await TestNode.start { settings in
                TestCluster.join(&settings, "old", seed: cluster[0].assembly.gossipPort)
                settings.cluster.packaging = 1
            }
            try await eventually("it has refused the stream") {
                _ = try await old.ask("/live/demo/main/media.m3u8")
                return old.metric("millrace_relay_foreign_packaging_total") > 0
            }
            #expect(try await old.ask("/live/demo/main/media.m3u8").status == 404)
            await old.stop()
        }
    }
}
