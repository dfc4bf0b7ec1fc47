// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import Identity
import Node
import NodeKit
import Origin
import RTMP
import Replica
import TestKit
import Testing

@Suite("A stream whose gateway changes", .serialized)
struct TakeoverTests {
    /// Where the publisher comes back.
    enum Place: CaseIterable { case standby, third }

    private static func checkAll(_ number: Int, _ settings: inout NodeSettings) { settings.cluster.checkedOneIn = 1 }

    /// Nodes with a stream at the first, which all have: the standby, and the third.
    private func stage(
        _ cluster: TestCluster
    ) async throws -> (publisher: RTMPPeer, standby: TestNode, third: TestNode) {
        let publisher = try await cluster[0].publisher()
        try await publisher.publish(.milliseconds(4050), of: .seconds)
        let held = { (node: TestNode) in node.metric("millrace_relay_upstreams") == 1 }
        try await eventually("one holds it beside the gateway") {
            cluster.keepHouse()
            return cluster.nodes.dropFirst().contains(where: held)
        }
        let standby = try #require(cluster.nodes.dropFirst().first(where: held))
        let third = try #require(cluster.nodes.dropFirst().first { $0.httpPort != standby.httpPort })
        try await eventually("all have it") { try await sameText(cluster.nodes) != nil }
        return (publisher, standby, third)
    }

    /// The playlist that all of some nodes have now; nil where they differ.
    private func sameText(_ nodes: [TestNode]) async throws -> ReadPlaylist? {
        var texts: [String] = []
        for node in nodes { texts.append(try await node.ask("/live/demo/main/media.m3u8").text) }
        guard texts[0].contains(".m4s"), texts.allSatisfy({ $0 == texts[0] }) else { return nil }
        return ReadPlaylist(texts[0], at: "/live/demo/main/media.m3u8")
    }

    /// Waits until some nodes have the same playlist, of another term, and holds it and all it names against the former.
    private func goesOn(_ nodes: [TestNode], after former: ReadPlaylist) async throws -> ReadPlaylist {
        var latest: ReadPlaylist?
        try await eventually("the playlist goes on in another term") {
            for node in nodes { node.running.keepHouse() }
            latest = try await sameText(nodes)
            return latest.map { $0.term != former.term && $0.lastMSN > former.lastMSN + 1 } ?? false
        }
        let after = try #require(latest)
        #expect(after.firstMSN >= former.firstMSN && !after.lines.contains("#EXT-X-DISCONTINUITY"))
        #expect(after.targetDuration == former.targetDuration && !after.isOver)
        let dates = after.values(of: "#EXT-X-PROGRAM-DATE-TIME:")
        #expect(dates == dates.sorted() && Set(dates).count == dates.count)
        let kept = after.segments.filter(former.segments.contains)
        #expect(kept == former.segments.filter { after.segments.contains($0) } && !kept.isEmpty)
        try await compare(nodes, after)
        return after
    }

    /// Whatever is listed is the same everywhere.
    private func compare(_ nodes: [TestNode], _ playlist: ReadPlaylist) async throws {
        for name in playlist.segments + playlist.parts + playlist.initSections {
            var bodies: [[UInt8]] = []
            for node in nodes {
                let answer = try await node.ask(name)
                #expect(answer.status == 200, "\(name)")
                bodies.append(answer.body)
            }
            #expect(!bodies[0].isEmpty && bodies.allSatisfy { $0 == bodies[0] }, "\(name)")
        }
        for node in nodes { #expect(node.metric("millrace_segment_mismatch_total") == 0) }
    }

    @Test("goes on where its publisher comes back after the gateway died", arguments: Place.allCases)
    func gatewayDies(place: Place) async throws {
        try await TestCluster.run(3, Self.checkAll) { cluster in
            let (_, standby, third) = try await stage(cluster)
            let before = try await standby.playlist()
            let player = try await standby.player()
            try await eventually("it plays") { player.story.media.contains { $0.kind == .video } }
            let seen = player.story.media.count
            await cluster[0].crash()
            let chosen = place == .standby ? standby : third
            let publisher = try await chosen.publisher()
            try await publisher.publish(.milliseconds(5050), of: .seconds)
            _ = try await goesOn([standby, third], after: before)
            #expect(chosen.metric("millrace_terms_total", "\"taken\"") == 1)
            #expect(standby.metric("millrace_segment_checks_total") > 0)
            try await publisher.send(from: .milliseconds(5050), to: .milliseconds(6500), of: .seconds)
            try await eventually("the player goes on") { player.story.media.count > seen + 30 }
            let times = player.story.media.filter { $0.kind == .video }.map(\.timestamp)
            #expect(times == times.sorted() && !player.story.hasEnded && !player.story.isClosed)
        }
    }

    @Test("goes where its publisher goes while the former gateways live, which are subscribers then")
    func moves() async throws {
        try await TestCluster.run(3, Self.checkAll) { cluster in
            var (publisher, _, _) = try await stage(cluster)
            var playlist = try await cluster[0].playlist()
            for number in [1, 2, 0] {
                let next = try await cluster[number].publisher()
                try await next.publish(.milliseconds(5050), of: .seconds)
                try await eventually("the former connection is cut") { publisher.story.isClosed }
                playlist = try await goesOn(cluster.nodes, after: playlist)
                publisher = next
                #expect(cluster.nodes.map(\.assembly.streams.all.count).reduce(0, +) == 1)
            }
        }
    }

    @Test("ends at the standby when the grace ends")
    func graceEnds() async throws {
        try await TestCluster.run(
            3,
            {
                Self.checkAll($0, &$1)
                $1.publisher.grace = .milliseconds(500)
            }
        ) { cluster in
            let (_, standby, third) = try await stage(cluster)
            let before = try await standby.playlist()
            await cluster[0].crash()
            try await eventually("it ends everywhere") {
                for node in [standby, third] { node.running.keepHouse() }
                return try await sameText([standby, third])?.isOver ?? false
            }
            let after = try await standby.playlist()
            let last = try #require(before.segments.last)
            #expect(after.lastMSN >= before.lastMSN && after.segments.contains(last))
            try await compare([standby, third], after)
            #expect(standby.metric("millrace_terms_total", "\"taken\"") == 1)
        }
    }

    @Test("is not another publisher's")
    func strangers() async throws {
        try await TestCluster.run(2) { cluster in
            _ = try await cluster[0].publisher()
            try await eventually("the other knows it") {
                cluster.keepHouse()
                return cluster[1].metric("millrace_cluster_streams") == 1
            }
            let stranger = try await RTMPPeer.connect(
                cluster[1].rtmpPort, .publish, name: "demo", from: "127.0.0.9")
            try await eventually("it is refused") { stranger.story.refusal != nil }
            #expect(cluster[0].assembly.streams.publisherCount == 1)
        }
    }

    @Test("is taken by nobody without the quorum")
    func quorum() async throws {
        try await TestCluster.run(3, { $1.cluster.quorum = 2 }) { cluster in
            _ = try await stage(cluster)
            await cluster[0].crash()
            await cluster[1].crash()
            let publisher = try await RTMPPeer.connect(cluster[2].rtmpPort, .publish, name: "demo")
            try await eventually("it is cut") { publisher.story.isClosed || publisher.story.refusal != nil }
            #expect(cluster[2].metric("millrace_terms_total", "\"too_few\"") == 1)
        }
    }

    @Test("is not written where fewer origins live than the quorum")
    func fewer() async throws {
        try await TestCluster.run(3, { $1.cluster.quorum = 2 }) { cluster in
            let (publisher, _, _) = try await stage(cluster)
            let stream = try #require(cluster[0].assembly.streams.all.first)
            #expect(!stream.fences.contains(.quorum))
            await cluster[1].crash()
            await cluster[2].crash()
            try await eventually("it is fenced") {
                cluster[0].running.keepHouse()
                return stream.fences.contains(.quorum)
            }
            let reach = stream.replica.outlook.reach
            let messages = cluster[0].metric("millrace_ingest_messages_total", "video")
            try await publisher.send(from: .milliseconds(4050), to: .seconds(8), of: .seconds)
            try await eventually("the media is here") {
                cluster[0].running.keepHouse()
                return cluster[0].metric("millrace_ingest_messages_total", "video") > messages + 100
            }
            #expect(stream.replica.outlook.reach == reach && !publisher.story.isClosed)
        }
    }

    @Test("is taken anew by its gateway where others promised it to somebody who never began")
    func retaken() async throws {
        try await TestCluster.run(3, Self.checkAll) { cluster in
            let (publisher, standby, third) = try await stage(cluster)
            let before = try await third.playlist()
            let stream = try #require(cluster[0].assembly.streams.all.first)
            let term = stream.term
            let promised = Term(number: term.number + 1_000_000, salt: 1)
            for node in [standby, third] { _ = node.assembly.replicas.promise(stream.id, promised) }
            try await publisher.send(from: .milliseconds(4050), to: .seconds(8), of: .seconds)
            try await eventually("it has a term above") {
                cluster.keepHouse()
                return stream.hasTerm && stream.term > promised
            }
            try await publisher.send(from: .milliseconds(8050), to: .seconds(14), of: .seconds)
            _ = try await goesOn(cluster.nodes, after: before)
            #expect(!publisher.story.isClosed)
        }
    }

    @Test("goes on while its standby stands still, and has one again")
    func standbyStandsStill() async throws {
        try await TestCluster.run(3, Self.checkAll) { cluster in
            let (publisher, standby, third) = try await stage(cluster)
            let stream = try #require(cluster[0].assembly.streams.all.first)
            try await eventually("it is held twice") { stream.isHeldElsewhere }
            let before = try await third.playlist()
            let still = StandStill(of: standby)
            defer { still.end() }
            try await publisher.send(from: .milliseconds(4050), to: .seconds(8), of: .seconds)
            try await eventually("it is listed without it") {
                for node in [cluster[0], third] { node.running.keepHouse() }
                return try await third.playlist().lastMSN >= before.lastMSN + 3
            }
            still.end()
            try await eventually("it is held twice again") {
                cluster.keepHouse()
                return stream.isHeldElsewhere
            }
            try await publisher.send(from: .milliseconds(8050), to: .seconds(11), of: .seconds)
            try await eventually("all have the same") {
                cluster.keepHouse()
                return try await sameText(cluster.nodes).map { $0.lastMSN >= before.lastMSN + 5 } ?? false
            }
            #expect(!publisher.story.isClosed && stream.hasTerm)
        }
    }

    @Test("is taken from a gateway that stands still")
    func gatewayStandsStill() async throws {
        try await TestCluster.run(3, Self.checkAll) { cluster in
            let (_, standby, third) = try await stage(cluster)
            let before = try await third.playlist()
            let still = StandStill(of: cluster[0])
            defer { still.end() }
            let publisher = try await third.publisher()
            try await publisher.publish(.milliseconds(5050), of: .seconds)
            _ = try await goesOn([standby, third], after: before)
            still.end()
            // What it wrote alone before it heard of that is no part of the stream: it lists nothing from before the term.
            try await eventually("the former gateway has all of it from the new one") {
                cluster.keepHouse()
                let (theirs, ours) = (cluster[0].assembly.replicas.all.first, third.assembly.replicas.all.first)
                return theirs?.source == .relay && theirs?.holding.next == ours?.holding.next
            }
            #expect(cluster.nodes.map(\.assembly.streams.all.count).reduce(0, +) == 1)
        }
    }

    @Test(
        "goes on at a gateway that is started again and was told of nobody, or only of itself",
        arguments: [false, true])
    func restarted(isItsOwnSeed: Bool) async throws {
        try await TestCluster.run(
            3,
            {
                Self.checkAll($0, &$1)
                $1.publisher.grace = .seconds(120)
            }
        ) { cluster in
            let (_, standby, third) = try await stage(cluster)
            let before = try await third.playlist()
            let port = try #require(cluster[0].assembly.gossipPort)
            await cluster[0].crash()
            let again = try await TestNode.start { settings in
                TestCluster.join(&settings, "n0", seed: isItsOwnSeed ? port : nil)
                settings.cluster.gossip.port = port
                settings.cluster.checkedOneIn = 1
            }
            do {
                let publisher = try await again.publisher()
                try await publisher.publish(.milliseconds(5050), of: .seconds)
                _ = try await goesOn([again, standby, third], after: before)
            } catch {
                await again.stop()
                throw error
            }
            await again.stop()
        }
    }

    @Test("is known by its last publisher, not by the first of its term")
    func lastPublisher() async throws {
        try await TestCluster.run(2, { $1.publisher.takeover = $0 == 0 ? .allow : .refuse }) { cluster in
            let first = try await cluster[0].publisher()
            try await first.publish(.seconds(3), of: .seconds)
            let second = try await RTMPPeer.connect(cluster[0].rtmpPort, .publish, name: "demo", from: "127.0.0.9")
            try await eventually("it is let in, and the first is cut") {
                second.story.isRunning && first.story.isClosed
            }
            try await eventually("it is let in at the other node, too") {
                cluster.keepHouse()
                let again = try await RTMPPeer.connect(
                    cluster[1].rtmpPort, .publish, name: "demo", from: "127.0.0.9")
                try await eventually("there is an answer") { again.story.isRunning || again.story.refusal != nil }
                return again.story.isRunning
            }
        }
    }

    @Test("is fenced while its gateway is in doubt, and goes on when two have answered")
    func doubt() async throws {
        try await TestCluster.run(3) { cluster in
            let (publisher, _, _) = try await stage(cluster)
            let stream = try #require(cluster[0].assembly.streams.all.first)
            let reach = stream.replica.outlook.reach
            stream.fence(.lease)
            #expect(stream.fence(.clock) && !stream.fence(.clock))
            let messages = cluster[0].metric("millrace_ingest_messages_total", "video")
            try await publisher.send(from: .milliseconds(4050), to: .seconds(8), of: .seconds)
            try await eventually("it is asked about") {
                cluster.keepHouse()
                return !stream.fences.contains(.clock)
                    && cluster[0].metric("millrace_ingest_messages_total", "video") > messages + 100
            }
            #expect(stream.replica.outlook.reach == reach && stream.fences == .lease)
            stream.unfence(.lease)
            try await eventually("it goes on") { stream.replica.outlook.reach != reach }
        }
    }

    @Test("is refused to a gateway that was away while another took it")
    func stale() async throws {
        try await TestCluster.run(3, Self.checkAll) { cluster in
            let (publisher, standby, third) = try await stage(cluster)
            let before = try await third.playlist()
            let stream = try #require(cluster[0].assembly.streams.all.first)
            // The gateway can not be reached by anybody, and does not know it.
            let promised = standby.assembly.replicas.promise(
                stream.id, Term(number: stream.term.number + 1_000_000, salt: 1))
            #expect(promised.next != nil)
            try await publisher.send(from: .milliseconds(4050), to: .seconds(8), of: .seconds)
            try await eventually("nothing is acknowledged any more") {
                standby.metric("millrace_stale_terms_refused_total", "\"acknowledgement\"") > 0
            }
            stream.fence(.clock)
            try await eventually("it is told of the higher term, and stops") {
                cluster.keepHouse()
                return publisher.story.isClosed
            }
            #expect(standby.metric("millrace_stale_terms_refused_total", "\"question\"") > 0)
            let second = try await third.publisher()
            try await second.publish(.milliseconds(5050), of: .seconds)
            _ = try await goesOn(cluster.nodes, after: before)
        }
    }
}
