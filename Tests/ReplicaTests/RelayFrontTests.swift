// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import NIOCore
import NIOPosix
import NodeKit
import Relay
import Replica
import Synchronization
import TestKit
import Testing
import Transport

@Suite("The relay between nodes")
struct RelayFrontTests {
    @Test("brings the gateway's bytes two levels down, once however many ask")
    func chain() async throws {
        let origin = try await RelayedNode.start("origin")
        let shield = try await RelayedNode.start("shield", below: [origin])
        let edge = try await RelayedNode.start("edge", below: [shield])
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(6))
        let replica = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        let again = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        #expect(replica === again && replica.isExpected)
        try await eventually("the window is here") {
            replica.playlist != nil && replica.playlist == feed.replica.playlist
        }
        for _ in 0..<20 { feed.publish(.milliseconds(130)) }
        try await eventually("the newest is here") { replica.playlist == feed.replica.playlist }
        let last = try #require(feed.replica.outlook.reach).msn
        for msn in 10..<last {
            let segment = MediaResource.segment(.main, GatewayFeed.term, msn)
            let theirs = try #require(replica.served(segment))
            #expect(theirs == feed.replica.served(segment))
        }
        let subscriptions = [origin, shield].map { $0.metric("millrace_relay_subscriptions") }
        #expect(subscriptions == [1, 1])
        #expect(edge.metric("millrace_segment_checks_total") >= 4)
        #expect(edge.metric("millrace_segment_mismatch_total") == 0)
        for node in [edge, shield, origin] { await node.stop() }
    }

    @Test("writes to a node once in five milliseconds at most, all that came meanwhile")
    func rounds() async throws {
        let origin = try await RelayedNode.start("origin")
        let edge = try await RelayedNode.start("edge", below: [origin])
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(4))
        let replica = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        try await eventually("the window is here") { replica.playlist == feed.replica.playlist }
        let begun = ContinuousClock.now
        let first = origin.metric("millrace_relay_rounds_total")
        for _ in 0..<50 {
            let before = origin.metric("millrace_relay_rounds_total")
            feed.publish(.milliseconds(40))
            try await eventually("it is written") { origin.metric("millrace_relay_rounds_total") > before }
        }
        let rounds = origin.metric("millrace_relay_rounds_total") - first
        #expect(rounds >= 50)
        #expect(RelaySettings().pace * (rounds - 1) <= ContinuousClock.now - begun)
        try await eventually("the newest is here") { replica.playlist == feed.replica.playlist }
        for node in [edge, origin] { await node.stop() }
    }

    @Test("lets who asks for a name ahead wait until the node is level, and then says that there is none")
    func level() async throws {
        let origin = try await RelayedNode.start("origin")
        let edge = try await RelayedNode.start("edge", below: [origin])
        let feed = try GatewayFeed(on: origin)
        let replica = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        let far = MediaResource.segment(.main, GatewayFeed.term, 900)
        let woken = Mutex(0)
        let loop = RelayedNode.group.any()
        let mailbox = LoopMailbox(eventLoop: loop) { _ in woken.withLock { $0 += 1 } }
        let levelings = replica.outlook.levelings
        guard case .wait = replica.decide(far, query: [], hasWaited: false, wake: mailbox) else {
            Issue.record("judged before it is known")
            return
        }
        feed.publish(.seconds(4))
        try await eventually("it is level") { replica.outlook.levelings > levelings && woken.withLock { $0 > 0 } }
        try await eventually("it is judged") {
            replica.decide(far, query: [], hasWaited: false, wake: nil) == .refuse(.notFound)
        }
        await origin.stop()
        try await eventually("nothing can be judged without a parent") {
            if case .wait = replica.decide(far, query: [], hasWaited: false, wake: nil) { return true }
            return false
        }
        await edge.stop()
    }

    @Test("answers nothing current before the whole window is here, two levels down and begun together")
    func arriving() async throws {
        let origin = try await RelayedNode.start("origin")
        let shield = try await RelayedNode.start("shield", below: [origin])
        let edges = [
            try await RelayedNode.start("edge-1", below: [shield]),
            try await RelayedNode.start("edge-2", below: [shield]),
        ]
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(45))
        let newest = try #require(feed.replica.playlist)
        for edge in edges {
            let replica = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
            let playlist = MediaResource.mediaPlaylist(.main)
            try await eventually("it is answered") {
                if case .wait = replica.decide(playlist, query: [], hasWaited: false, wake: nil) { return false }
                return true
            }
            let main = MediaResource.multivariantPlaylist(isFlat: false)
            #expect(replica.playlist == newest)
            #expect(replica.decide(main, query: [], hasWaited: false, wake: nil) != .refuse(.notFound))
        }
        for node in edges + [shield, origin] { await node.stop() }
    }

    @Test("says not found of a stream that no parent knows, and remembers it for a while")
    func unknown() async throws {
        let origin = try await RelayedNode.start("origin")
        let edge = try await RelayedNode.start("edge", below: [origin])
        let replica = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        let playlist = MediaResource.mediaPlaylist(.main)
        if case .wait = replica.decide(playlist, query: [], hasWaited: false, wake: nil) {} else { Issue.record() }
        try await eventually("it is given up") { replica.isOver }
        #expect(replica.decide(playlist, query: [], hasWaited: false, wake: nil) == .refuse(.notFound))
        #expect(edge.replicas[try GatewayFeed.stream] == nil)
        #expect(try edge.upstream.replica(of: GatewayFeed.stream, via: []) == nil)
        #expect(origin.metric("millrace_relay_refusals_total", "unknown_stream") >= 1)
        for node in [edge, origin] { await node.stop() }
    }

    @Test("goes on from the other parent when one is gone, and tears nothing")
    func switching() async throws {
        let origin = try await RelayedNode.start("origin")
        let shields = [
            try await RelayedNode.start("shield-1", below: [origin]),
            try await RelayedNode.start("shield-2", below: [origin]),
        ]
        let edge = try await RelayedNode.start("edge", below: shields)
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(5))
        let replica = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        try await eventually("both parents are there") {
            shields.allSatisfy { $0.metric("millrace_relay_subscriptions") == 1 }
                && replica.playlist == feed.replica.playlist
        }
        await shields[0].stop()
        feed.publish(.seconds(2))
        try await eventually("the newest is here") { replica.playlist == feed.replica.playlist }
        #expect(edge.metric("millrace_relay_skips_total") == 0)
        #expect(edge.metric("millrace_relay_partings_total", "disconnected") == 1)
        for node in [edge, shields[1], origin] { await node.stop() }
    }

    @Test("brings the end of a stream that the directory knows of before", arguments: [true, false])
    func overBeforeItsEnd(isHeld: Bool) async throws {
        let origin = try await RelayedNode.start("origin")
        let shield = try await RelayedNode.start("shield", below: [origin])
        let edge = try await RelayedNode.start("edge", below: [shield])
        let late = try await RelayedNode.start("late", below: [origin])
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(4))
        let replica = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        try await eventually("the window is here") { replica.playlist == feed.replica.playlist }
        await shield.stop()
        feed.end()
        if isHeld { edge.finder.parents = [try origin.asParent] } else { edge.finder.parents = [] }
        for node in [edge, late] { node.finder.isOver = true }
        edge.upstream.learn(replica.id, GatewayFeed.term)
        try await eventually("it is over") { replica.isOver }
        #expect((replica.playlist == feed.replica.playlist) == isHeld)
        #expect((edge.replicas[replica.id] === replica) == isHeld, "what nobody has the end of is not found")
        #expect(try late.upstream.replica(of: GatewayFeed.stream, via: []) == nil)
        for node in [edge, late, origin] { await node.stop() }
    }

    @Test("lets a stream go that nobody wants, and its parent's subscription with it")
    func linger() async throws {
        let origin = try await RelayedNode.start("origin")
        let edge = try await RelayedNode.start("edge", below: [origin], linger: .milliseconds(50))
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(4))
        let replica = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        #expect(replica.note(1, .flv, now: .zero))
        try await eventually("the window is here") { replica.isPlayable }
        edge.upstream.sweep()
        #expect(edge.replicas[replica.id] === replica)
        #expect(replica.forget(1))
        try await eventually("it is let go") {
            edge.upstream.sweep()
            return edge.replicas[replica.id] == nil && origin.metric("millrace_relay_subscriptions") == 0
        }
        for node in [edge, origin] { await node.stop() }
    }

    @Test("tells the gateway what its standby holds, and that it is lost")
    func standby() async throws {
        let origin = try await RelayedNode.start("origin")
        let standby = try await RelayedNode.start("standby", below: [origin])
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(3))
        let isKnown = try standby.upstream.hold(GatewayFeed.stream)
        #expect(isKnown)
        try await eventually("it has the window") { !origin.doorkeeper.said.isEmpty }
        guard case .joins(let joined) = origin.doorkeeper.said[0] else {
            Issue.record("holds before it joins")
            return
        }
        feed.publish(.seconds(1))
        try await eventually("it has more") {
            guard case .holds(let position)? = origin.doorkeeper.said.last else { return false }
            return position > joined
        }
        #expect(origin.doorkeeper.lost == 0)
        await standby.stop()
        try await eventually("it is lost") { origin.doorkeeper.lost == 1 }
        await origin.stop()
    }

    @Test("follows redirects, up to three")
    func redirects() async throws {
        let origin = try await RelayedNode.start("origin")
        let other = try await RelayedNode.start("other")
        other.doorkeeper.verdict = .redirect(try origin.asParent)
        let edge = try await RelayedNode.start("edge", below: [other])
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(4))
        let replica = try #require(edge.upstream.replica(of: GatewayFeed.stream, via: []))
        try await eventually("the window is here") { replica.playlist == feed.replica.playlist }
        origin.doorkeeper.verdict = .redirect(try other.asParent)
        let lost = try await RelayedNode.start("lost", below: [other])
        _ = try #require(lost.upstream.replica(of: GatewayFeed.stream, via: []))
        try await eventually("it gives up") { lost.metric("millrace_relay_partings_total", "redirects") >= 1 }
        for node in [edge, lost, other, origin] { await node.stop() }
    }

    @Test("does not talk to nodes of another cluster, nor to noise")
    func strangers() async throws {
        let origin = try await RelayedNode.start("origin")
        let stranger = try await RelayedNode.start("stranger", cluster: "other", below: [origin])
        let feed = try GatewayFeed(on: origin)
        feed.publish(.seconds(4))
        _ = try #require(stranger.upstream.replica(of: GatewayFeed.stream, via: []))
        try await eventually("it is refused") { origin.metric("millrace_relay_failures_total", "foreign_cluster") >= 1 }
        let channel = try await ClientBootstrap(group: RelayedNode.group).connect(to: origin.listener.address).get()
        try await channel.writeAndFlush(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
        try await channel.closeFuture.get()
        #expect(origin.metric("millrace_relay_failures_total", "unknown_kind") == 1)
        #expect(origin.metric("millrace_relay_subscriptions") == 0)
        for node in [stranger, origin] { await node.stop() }
    }

    @Test("passes over what a newer node says, counts it, and goes on")
    func newer() async throws {
        let origin = try await RelayedNode.start("origin")
        let name = try #require(NodeID(parsing: "newer"))
        let hello = RelayHello(versions: 1...9, cluster: NodeTag.hash("test"), node: name, incarnation: 1)
        var bytes: [UInt8] = []
        RelayFrameEncoder().append(RelayFrame(channel: 0, message: .hello(hello)), to: &bytes)
        bytes += [0, 0, 0, 3, 200, 1, 7, 0, 0, 0, 2, 201, 1]
        let channel = try await ClientBootstrap(group: RelayedNode.group).connect(to: origin.listener.address).get()
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
        try await eventually("both are counted") { origin.metric("millrace_relay_unknown_messages_total") == 2 }
        #expect(channel.isActive)
        #expect(origin.metric("millrace_relay_failures_total", "unknown_kind") == 0)
        try await channel.close()
        await origin.stop()
    }
}
