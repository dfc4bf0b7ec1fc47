// SPDX-License-Identifier: Apache-2.0

import Cluster
import Node
import NodeKit
import Replica
import TestKit
import Testing
import WebRTC

@Suite("A session in a cluster")
struct ClusterSessionTests {
    @Test("is sent by a node that does not serve it to one that does, and watched there")
    func isSentOn() async throws {
        try await TestCluster.run(3) { number, settings in
            settings.roles = [[.origin], [.edge], [.router]][number]
        } _: { cluster in
            let publisher = try await cluster[0].publisher()
            try await publisher.publish(.milliseconds(2050), of: .seconds)
            try await eventually("the router knows of the stream") {
                cluster.keepHouse()
                return try await cluster[2].ask("/live/demo/index.m3u8").status == 200
            }
            let sent = try await SessionPeer(cluster[2]).post()
            #expect(sent.status == 307)
            let url = try #require(sent.fields["location"])
            #expect(url.hasPrefix("http://127.0.0.1:\(cluster[1].httpPort)/live/demo/whep?via=router&token="))
            let viewer = SessionPeer(cluster[1])
            try await viewer.connect(to: "/" + url.dropFirst("http://".count).drop { $0 != "/" }.dropFirst())
            #expect(viewer.location.hasPrefix("/live/demo/whep/"))
            try await eventually("pictures come over the relay") {
                viewer.receive()
                return !viewer.packets.isEmpty
            }
            #expect(cluster[1].assembly.replicas[demo]?.viewerCount == 1)
        }
    }

    @Test("to publish is sent to an origin")
    func publisherIsSentOn() async throws {
        try await TestCluster.run(2) { number, settings in
            settings.roles = [[.origin, .edge], [.router]][number]
        } _: { cluster in
            let sent = try await SessionPeer(cluster[1]).post(to: "/live/demo/whip")
            #expect(sent.status == 307)
            let url = try #require(sent.fields["location"])
            #expect(url == "http://127.0.0.1:\(cluster[0].httpPort)/live/demo/whip?via=router")
            try await SessionPeer(cluster[0]).connect(to: "/live/demo/whip?via=router")
        }
    }
}
