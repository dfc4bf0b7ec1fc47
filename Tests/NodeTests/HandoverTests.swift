// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import Identity
import Media
import Node
import NodeKit
import Origin
import RTMP
import TestKit
import Testing

@Suite("A node that drains", .serialized)
struct HandoverTests {
    /// Nodes with a stream at the first; gives the one that holds it beside the gateway, and the third.
    private func stage(
        _ cluster: TestCluster
    ) async throws -> (publisher: RTMPPeer, standby: TestNode, third: TestNode) {
        let publisher = try await cluster[0].publisher()
        try await publisher.publish(.milliseconds(4000), of: .seconds)
        let standby = try await newStandby(cluster, besides: [])
        let third = try #require(cluster.nodes.dropFirst().first { $0.httpPort != standby.httpPort })
        return (publisher, standby, third)
    }

    /// Waits for another node than those to hold the stream of the first.
    private func newStandby(_ cluster: TestCluster, besides others: [TestNode]) async throws -> TestNode {
        let ports = others.map(\.httpPort)
        let stream = try #require(cluster[0].assembly.streams.all.first)
        var found: TestNode?
        try await eventually("another holds it") {
            cluster.keepHouse()
            found = cluster.nodes.dropFirst().first {
                !ports.contains($0.httpPort) && $0.metric("millrace_relay_upstreams") == 1
            }
            return found != nil && stream.isHeldElsewhere
        }
        return try #require(found)
    }

    private func drain(_ cluster: TestCluster, _ number: Int, seconds: Int = 60) async throws {
        let path = "/api/v1/cluster/nodes/n\(number)/drain"
        let answer = try await cluster[number].ask(path, method: "POST", body: "{\"deadline\":\(seconds)}")
        #expect(answer.status == 202)
        try await eventually("the others know") {
            cluster.keepHouse()
            for node in cluster.nodes {
                let members = try await node.ask("/api/v1/cluster")
                guard members.text.replacing(" ", with: "").contains("\"draining\":1") else { return false }
            }
            return true
        }
    }

    @Test("asks its publisher to go to the standby, where not one unit is lost and every number goes on")
    func publisherMoves() async throws {
        // What is sent all at once is no reason to skip any of it.
        try await TestCluster.run(3, { $1.play.maximumLag = .seconds(30) }) { cluster in
            let (publisher, standby, third) = try await stage(cluster)
            let player = try await third.player()
            try await eventually("it plays") { player.story.media.contains { $0.kind == .video } }
            let before = try await third.playlist()
            try await drain(cluster, 0)
            try await eventually("the publisher is asked") {
                cluster.keepHouse()
                return publisher.story.reconnects == 1
            }
            #expect(publisher.story.destination == "rtmp://127.0.0.1:\(standby.rtmpPort)/live")
            #expect(!publisher.story.isClosed)
            // It sends what belongs to its group of pictures here, and the next one there.
            try await publisher.send(from: .milliseconds(4000), to: .seconds(6), of: .seconds)
            let second = try await standby.publisher()
            try await second.open(.seconds)
            try await second.send(from: .seconds(6), to: .seconds(10), of: .seconds)
            try await eventually("it has nothing left to do") {
                cluster.keepHouse()
                return publisher.story.isClosed && cluster[0].assembly.hasDrained
            }
            try await eventually("all goes on") {
                cluster.keepHouse()
                return try await third.playlist().lastMSN >= before.lastMSN + 4
            }
            let after = try await third.playlist()
            #expect(after.term != before.term && !after.isOver && !after.lines.contains("#EXT-X-DISCONTINUITY"))
            #expect(Set(before.segments).isSubset(of: after.segments))
            // It began at a random access point, of which there is one in 30 units.
            try await eventually("the player has all, to the last unit: \(player.times.count)") {
                player.times.count >= 180 && player.times.count.isMultiple(of: 30)
            }
            let steps = zip(player.times, player.times.dropFirst()).map { $1 - $0 }
            // Time goes on while a publisher moves.
            #expect(steps.count { !(32...35).contains($0) } <= 1 && steps.allSatisfy { $0 > 0 }, "\(steps)")
        }
    }

    @Test("cuts a publisher off that stays, where a segment ends, and leaves the stream to the standby")
    func publisherStays() async throws {
        try await TestCluster.run(3) { cluster in
            let (publisher, standby, _) = try await stage(cluster)
            let stream = try #require(cluster[0].assembly.streams.all.first)
            try await drain(cluster, 0, seconds: 60)
            try await publisher.send(from: .milliseconds(4000), to: .milliseconds(4500), of: .seconds)
            let messages = { cluster[0].metric("millrace_ingest_messages_total", "video") }
            let before4500 = messages()
            try await eventually("it is in the middle of a segment") { messages() > before4500 || messages() >= 136 }
            stream.partAtBoundary()
            try await publisher.send(from: .milliseconds(4500), to: .milliseconds(4980), of: .seconds)
            try await eventually("all of it is taken") { messages() >= 150 }
            #expect(!publisher.story.isClosed && stream.publisherAge != nil)
            try await publisher.send(from: .milliseconds(4980), to: .milliseconds(5500), of: .seconds)
            try await eventually("it is cut off") { publisher.story.isClosed }
            #expect(stream.publisherAge == nil && stream.presence == .absent)
            try await eventually("nothing is left to do") {
                cluster.keepHouse()
                return cluster[0].assembly.hasDrained
            }
            let before = try await standby.playlist()
            #expect(!before.isOver)
            await cluster[0].stop()
            let second = try await standby.publisher()
            try await second.publish(.seconds(3), of: .seconds)
            try await eventually("it goes on") {
                for node in cluster.nodes.dropFirst() { node.running.keepHouse() }
                return try await standby.playlist().lastMSN >= before.lastMSN + 2
            }
            let after = try await standby.playlist()
            #expect(Set(before.segments).isSubset(of: after.segments))
            #expect(!after.lines.contains("#EXT-X-DISCONTINUITY"))
        }
    }

    @Test("is a standby until another has the window")
    func standbyMoves() async throws {
        try await TestCluster.run(3) { cluster in
            let (publisher, standby, third) = try await stage(cluster)
            let stream = try #require(cluster[0].assembly.streams.all.first)
            let number = try #require(cluster.nodes.firstIndex { $0.httpPort == standby.httpPort })
            try await drain(cluster, number)
            _ = try await newStandby(cluster, besides: [standby])
            try await publisher.send(from: .milliseconds(4000), to: .seconds(6), of: .seconds)
            try await eventually("the drained one has let go, and was never the last") {
                cluster.keepHouse()
                #expect(stream.isHeldElsewhere)
                return standby.assembly.hasDrained
            }
            #expect(third.metric("millrace_relay_upstreams") == 1)
            #expect(stream.isHeldElsewhere)
        }
    }

    @Test("sends who reloads a playlist to another edge, and serves the media it has")
    func viewersMove() async throws {
        try await TestCluster.run(3) { cluster in
            let (_, standby, third) = try await stage(cluster)
            try await eventually("it has the stream") { try await third.playlist().segments.count >= 2 }
            let before = try await third.playlist()
            let number = try #require(cluster.nodes.firstIndex { $0.httpPort == third.httpPort })
            try await drain(cluster, number)
            let path = "/live/demo/main/media.m3u8?_HLS_msn=\(before.lastMSN)&_HLS_part=0"
            let others = [cluster[0], standby].map { "http://127.0.0.1:\($0.httpPort)\(path)" }
            let answer = try await third.ask(path)
            let location = try #require(answer.fields["location"])
            #expect(answer.status == 302 && others.contains(location))
            #expect(answer.fields["access-control-allow-origin"] == "*")
            #expect(try await third.ask(path).fields["location"] == location)
            #expect(try await third.ask(try #require(before.segments.last)).status == 200)
            #expect(third.metric("millrace_router_viewers_total", "\"drained\"") == 2)
            try await eventually("nobody is left") {
                cluster.keepHouse()
                return third.assembly.hasDrained
            }
        }
    }

    @Test("redirects nobody where all edges have one URL, but ends connections behind playlists")
    func viewersComeAnew() async throws {
        // Without a port, so that it is nobody's: a balancer's.
        try await TestCluster.run(3, { $1.node.viewerURL = "http://edges.example" }) { cluster in
            let (_, _, third) = try await stage(cluster)
            try await eventually("it has the stream") { try await third.playlist().segments.count >= 2 }
            let path = "/live/demo/main/media.m3u8"
            let open = try await reader(of: path, at: third)
            try await eventually("it has its answer") { HTTPAnswer(open.bytes)?.body.isEmpty == false }
            #expect(HTTPAnswer(open.bytes)?.fields["connection"] == nil && !open.isClosed)
            let number = try #require(cluster.nodes.firstIndex { $0.httpPort == third.httpPort })
            try await drain(cluster, number)
            let newest = try await third.playlist().lastMSN
            for query in ["", "?_HLS_msn=\(newest)&_HLS_part=0"] {
                let last = try await reader(of: path + query, at: third)
                try await eventually("the connection ends") { last.isClosed }
                let answer = try #require(HTTPAnswer(last.bytes))
                #expect(answer.status == 200 && answer.fields["location"] == nil)
                #expect(answer.fields["connection"] == "close" && answer.text.hasPrefix("#EXTM3U"))
            }
            let segment = try #require(try await third.playlist().segments.last)
            let media = try await reader(of: segment, at: third)
            try await eventually("media comes") { HTTPAnswer(media.bytes)?.status == 200 }
            #expect(HTTPAnswer(media.bytes)?.fields["connection"] == nil && !media.isClosed)
            // Two by these connections, and two by those of their own.
            #expect(third.metric("millrace_router_viewers_total", "\"drained\"") == 4)
            for peer in [open, media] { await peer.vanish() }
        }
    }

    /// A connection that asks once and stays open for more.
    private func reader(of path: String, at node: TestNode) async throws -> HTTPPeer {
        try await HTTPPeer.open(node.httpPort, sending: "GET \(path) HTTP/1.1\r\nHost: edges.example\r\n\r\n")
    }

    @Test("that just stops ends no stream that another holds")
    func stops() async throws {
        try await TestCluster.run(3) { cluster in
            let (publisher, standby, third) = try await stage(cluster)
            try await eventually("it has the stream") { try await third.playlist().segments.count >= 2 }
            let before = try await third.playlist()
            await cluster[0].stop()
            try await eventually("its publisher is told where to go") { publisher.story.isClosed }
            #expect(publisher.story.destination == "rtmp://127.0.0.1:\(standby.rtmpPort)/live")
            let second = try await third.publisher()
            try await second.publish(.seconds(4), of: .seconds)
            let rest = Array(cluster.nodes.dropFirst())
            try await eventually("it goes on") {
                for node in rest { node.running.keepHouse() }
                return try await standby.playlist().lastMSN > before.lastMSN + 2
            }
            let after = try await standby.playlist()
            #expect(!after.isOver && Set(before.segments).isSubset(of: after.segments))
        }
    }

    @Test("that just stops leaves a stream to itself, where only edges have what was shown")
    func comesBack() async throws {
        try await TestCluster.run(2, { if $0 == 1 { $1.roles = [.edge] } }) { cluster in
            let publisher = try await cluster[0].publisher()
            try await publisher.publish(.milliseconds(4050), of: .seconds)
            let edge = cluster[1]
            try await eventually("the edge has it") {
                cluster.keepHouse()
                // Not found, as long as it has not heard of the stream.
                return try await edge.ask("/live/demo/main/media.m3u8").text.split(separator: ".m4s").count > 3
            }
            let before = try await edge.playlist()
            await cluster[0].stop()
            #expect(try await !edge.playlist().isOver)
            let seed = try #require(edge.assembly.gossipPort)
            let again = try await TestNode.start { TestCluster.join(&$0, "n0", seed: seed) }
            do {
                let second = try await again.publisher()
                try await second.publish(.seconds(4), of: .seconds)
                try await eventually("it goes on") {
                    for node in [again, edge] { node.running.keepHouse() }
                    return try await edge.playlist().lastMSN > before.lastMSN + 2
                }
                let after = try await edge.playlist()
                #expect(!after.isOver && Set(before.segments).isSubset(of: after.segments))
            } catch {
                await again.stop()
                throw error
            }
            await again.stop()
        }
    }
}

extension RTMPPeer {
    /// The times of the video units that came, in milliseconds, without what decoders are set up with.
    fileprivate var times: [Int] {
        story.media.filter { $0.kind == .video }.map { Int($0.timestamp) }.reduce(into: []) { times, time in
            if times.last != time { times.append(time) }
        }
    }
}
