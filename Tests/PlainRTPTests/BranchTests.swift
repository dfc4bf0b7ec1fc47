// SPDX-License-Identifier: Apache-2.0

import Cluster
import Dispatch
import Fanout
import NIOCore
import NIOPosix
import PlainRTP
import Relay
import Replica
import TestKit
import Testing
import Transport

@Suite("A session beyond its node's limit", .serialized) struct BranchTests {
    @Test("goes to every subscriber byte for byte from whichever node, and is one session to who asks")
    func verbatim() async throws {
        let world = try await World(rooms: [2, 2, 2])
        let viewers = try (0..<6).map { _ in try UDPSocket() }
        for viewer in viewers { try await world.home.desk.add(viewer.endpoint, to: world.session.id) }
        try await world.home.desk.add(viewers[5].endpoint, to: world.session.id)
        let one = try UDPSocket()
        await #expect(throws: SessionFailure.tooManySubscribers) {
            try await world.home.desk.add(one.endpoint, to: world.session.id)
        }
        let sent = (0..<20).map { packet(7, $0, isMarked: $0 % 4 == 3, length: $0 % 4 == 3 ? 70 : 200) }
        for bytes in sent { world.source.send(bytes, to: world.home.desk.port) }
        for viewer in viewers { #expect(sent.indices.map { _ in viewer.receive() } == sent) }
        try await eventually("all nodes have told what they sent") {
            world.home.desk.session(world.session.id)?.counters.packetsSent == 120
        }
        let (status, counters) = try #require(world.home.desk.session(world.session.id))
        #expect(status.subscriberCount == 6 && counters.packetsReceived == 20)
        #expect(counters.bytesSent == 6 * counters.bytesReceived)
        #expect(world.home.desk.sessions(limit: 9, after: 0).map(\.status.subscriberCount) == [6])
        #expect(world.home.value("millrace_rtp_subscribers_elsewhere") == 4)
        #expect(world.home.value("millrace_rtp_packets_relayed_total") == 20)
        for edge in world.edges {
            #expect(edge.value("millrace_rtp_branches") == 1 && edge.value("millrace_rtp_subscribers") == 2)
            #expect(edge.desk.sessions(limit: 9, after: 0).isEmpty && edge.desk.session(world.session.id) == nil)
        }
        await world.stop()
    }

    @Test("stops for who is removed, and everywhere when it ends")
    func ends() async throws {
        let world = try await World(rooms: [0, 1, 1])
        let viewers = try (0..<2).map { _ in try UDPSocket() }
        for viewer in viewers { try await world.home.desk.add(viewer.endpoint, to: world.session.id) }
        try world.home.desk.unsubscribe(viewers[0].endpoint, from: world.session.id)
        #expect(throws: SessionFailure.unknownSubscriber) {
            try world.home.desk.unsubscribe(viewers[0].endpoint, from: world.session.id)
        }
        try await eventually("the branch is over") { world.edges[0].value("millrace_rtp_branches") == 0 }
        world.source.send(packet(7, 1), to: world.home.desk.port)
        #expect(viewers[1].receive() == packet(7, 1))
        #expect(viewers[0].waiting().isEmpty)
        try await world.home.desk.add(viewers[0].endpoint, to: world.session.id)
        try world.home.desk.delete(world.session.id)
        try await eventually("nothing is left") {
            world.edges.allSatisfy {
                $0.value("millrace_rtp_branches") == 0 && $0.value("millrace_rtp_subscribers") == 0
            } && world.home.value("millrace_rtp_subscribers_elsewhere") == 0
        }
        await #expect(throws: SessionFailure.unknownSession) {
            try await world.home.desk.add(viewers[0].endpoint, to: world.session.id)
        }
        await world.stop()
    }

    @Test("is taken from its source only, at the home only")
    func gate() async throws {
        let world = try await World(rooms: [0, 1])
        let (viewer, stranger) = (try UDPSocket(), try UDPSocket())
        try await world.home.desk.add(viewer.endpoint, to: world.session.id)
        stranger.send(packet(7, 1), to: world.home.desk.port)
        stranger.send(packet(7, 2), to: world.edges[0].desk.port)
        world.source.send(packet(7, 3), to: world.edges[0].desk.port)
        world.source.send(packet(7, 4), to: world.home.desk.port)
        #expect(viewer.receive() == packet(7, 4))
        #expect(viewer.waiting().isEmpty)
        try await eventually("both were refused there") {
            world.edges[0].value("millrace_rtp_packets_refused_total{reason=\"unknown_source\"}") == 2
        }
        await world.stop()
    }

    @Test("asks a stranger from the node that would send, and forgets who does not answer")
    func consent() async throws {
        let world = try await World(rooms: [0, 2], allowed: [])
        let (willing, silent) = (try UDPSocket(), try UDPSocket())
        for viewer in [willing, silent] { try await world.home.desk.add(viewer.endpoint, to: world.session.id) }
        let probe = try #require(willing.receive())
        #expect(probe.count == 28)
        world.source.send(packet(7, 1), to: world.home.desk.port)
        try await eventually("it is there, for nobody") {
            world.edges[0].value("millrace_rtp_packets_received_total") == 1
        }
        willing.send(probe, to: world.edges[0].desk.port)
        try await eventually("it is answered") { world.edges[0].value("millrace_rtp_probes_answered_total") == 1 }
        world.source.send(packet(7, 2), to: world.home.desk.port)
        #expect(willing.receive() == packet(7, 2))
        try await eventually("the other is forgotten") {
            world.edges[0].desk.tick()
            return world.home.desk.session(world.session.id)?.status.subscriberCount == 1
        }
        #expect(silent.waiting().allSatisfy { $0.count == 28 })
        await world.stop()
    }

    @Test("goes on from another node when one dies, and from a third when that leaves")
    func moves() async throws {
        let world = try await World(rooms: [0, 2, 2, 1])
        let viewers = try (0..<2).map { _ in try UDPSocket() }
        for viewer in viewers { try await world.home.desk.add(viewer.endpoint, to: world.session.id) }
        await world.edges[0].crash()
        try await eventually("the next has them") { world.edges[1].value("millrace_rtp_subscribers") == 2 }
        world.source.send(packet(7, 1), to: world.home.desk.port)
        for viewer in viewers { #expect(viewer.receive() == packet(7, 1)) }
        try await eventually("they have moved") {
            world.home.value("millrace_rtp_subscribers_moved_total{outcome=\"moved\"}") == 2
        }
        world.edges[1].peers.isLeaving = true
        try await eventually("the last has one, the other none") {
            world.edges[2].value("millrace_rtp_subscribers") == 1
                && world.home.value("millrace_rtp_subscribers_moved_total{outcome=\"dropped\"}") == 1
        }
        world.source.send(packet(7, 2), to: world.home.desk.port)
        try await eventually("one of them has it") { viewers.contains { $0.waiting() == [packet(7, 2)] } }
        #expect(world.home.desk.session(world.session.id)?.status.subscriberCount == 1)
        try await eventually("one has moved twice, and who was dropped has not") {
            world.home.value("millrace_rtp_subscribers_moved_total{outcome=\"moved\"}") == 3
        }
        await world.stop()
    }

    @Test("goes on from another node when one is cut off, though that connection can not be closed")
    func isCutOff() async throws {
        let cut = Cut(to: "near")
        let home = try await BranchNode.start("home", room: 0, secure: cut.secure)
        let (near, next) = (try await BranchNode.start("near", room: 1), try await BranchNode.start("next", room: 1))
        home.peers.edges = [try near.asParent, try next.asParent]
        let (source, viewer) = (try UDPSocket(), try UDPSocket())
        let session = try home.desk.create(source: source.endpoint, ssrc: 7, mediaType: .video)
        try await home.desk.add(viewer.endpoint, to: session.id)
        cut.begin()
        try await eventually("the next has it") { next.value("millrace_rtp_subscribers") == 1 }
        source.send(packet(7, 1), to: home.desk.port)
        #expect(viewer.receive() == packet(7, 1))
        #expect(home.value("millrace_relay_failures_total{reason=\"silence\"}") == 1)
        cut.end()
        for node in [home, near, next] { await node.stop() }
    }

    @Test("drops what a connection can not take, and says how much")
    func drops() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let world = try await World(rooms: [0, 1], on: group.any())
        let viewer = try UDPSocket()
        try await world.home.desk.add(viewer.endpoint, to: world.session.id)
        let gate = DispatchSemaphore(value: 0)
        group.any().execute { gate.wait() }
        let dropped = "millrace_rtp_relay_dropped_packets_total"
        var number = UInt16(0)
        try await eventually("the queue is full") {
            for _ in 0..<200 {
                number &+= 1
                world.source.send(packet(7, number, length: 1200), to: world.home.desk.port)
            }
            return world.home.value(dropped) > 0
        }
        gate.signal()
        try await eventually("it goes on") {
            number &+= 1
            world.source.send(packet(7, number), to: world.home.desk.port)
            return viewer.waiting().contains { $0.count == 100 }
        }
        await world.stop()
        try await group.shutdownGracefully()
    }

    @Test("is carried for a node that says what it must, and for no other")
    func strangers() async throws {
        let edge = try await BranchNode.start("edge", room: 1, allowed: .loopback, change: { $0.maximumSessions = 1 })
        let (name, other) = ("8c5b4f7e-0000-4000-8000-000000000001", "8c5b4f7e-0000-4000-8000-000000000002")
        let (one, two) = (try UDPSocket(), try UDPSocket())
        let peer = try RelayPeer(to: edge.asParent)
        peer.say(.attach(one.endpoint), 9)
        peer.say(.datagram(packet(1, 1)[...]), 9)
        peer.say(.branch(RelayBranch(session: "no name")), 1)
        #expect(peer.hear() == RelayFrame(channel: 1, message: .refused(.notHere)))
        peer.say(.branch(RelayBranch(session: name)), 2)
        peer.say(.branch(RelayBranch(session: other)), 3)
        #expect(peer.hear() == RelayFrame(channel: 3, message: .refused(.overloaded)))
        for _ in 0..<2 {
            peer.say(.attach(one.endpoint), 2)
            #expect(peer.hear() == RelayFrame(channel: 2, message: .attached(one.endpoint)))
        }
        peer.say(.attach(two.endpoint), 2)
        #expect(peer.hear() == RelayFrame(channel: 2, message: .detached(two.endpoint, .full)))
        peer.say(.datagram([UInt8](repeating: 7, count: 2049)[...]), 2)
        peer.say(.datagram([]), 2)
        peer.say(.datagram(packet(1, 2)[...]), 2)
        #expect(one.receive() == packet(1, 2))
        #expect(edge.value("millrace_rtp_packets_refused_total{reason=\"too_long\"}") == 1)

        // The same home on a new connection takes its branch over.
        let again = try RelayPeer(to: edge.asParent)
        again.say(.branch(RelayBranch(session: name)), 1)
        again.say(.attach(two.endpoint), 1)
        #expect(again.hear() == RelayFrame(channel: 1, message: .attached(two.endpoint)))
        peer.say(.datagram(packet(1, 3)[...]), 2)
        again.say(.datagram(packet(1, 4)[...]), 1)
        #expect(two.receive() == packet(1, 4))
        #expect(one.waiting().isEmpty)
        for odd in [RelayMessage.branch(RelayBranch(session: name)), .pause, .attached(one.endpoint)] {
            let rude = try RelayPeer(to: edge.asParent)
            rude.say(.branch(RelayBranch(session: name)), 1)
            rude.say(odd, 1)
            #expect(rude.hear() == nil)
        }
        try await eventually("nothing is left") { edge.value("millrace_rtp_branches") == 0 }
        await edge.stop()
    }

    @Test("sends to a loopback address from its own machine only")
    func loopback() async throws {
        let world = try await World(rooms: [0, 1])
        let viewer = try UDPSocket()
        let elsewhere = Endpoint(address: .v4(0xC633_6401), port: 5004)
        world.home.peers.edges = [RelayParent(node: world.edges[0].name, endpoint: elsewhere)]
        await #expect(throws: SessionFailure.tooManySubscribers) {
            try await world.home.desk.add(viewer.endpoint, to: world.session.id)
        }
        #expect(world.home.value("millrace_rtp_subscribers_elsewhere") == 0)
        await world.stop()
    }

    @Test("is carried for another machine by a port that other machines reach, and not to a loopback address")
    func machines() async throws {
        let here = PeerAddress(ipv4: 0x7F00_0001)
        let there = PeerAddress(ipv4: 0xC633_6401)
        let (near, far) = (try UDPSocket().endpoint, Endpoint(address: .v4(0xC633_6402), port: 5004))
        let name = RelayBranch(session: "8c5b4f7e-0000-4000-8000-000000000001")
        let bound = try await BranchNode.start("bound", room: 9)
        #expect(throws: RelayRefusal.notHere) { try bound.desk.begin(name, from: there) { _ in } }
        let ours = try bound.desk.begin(name, from: here) { _ in }
        #expect(ours.attach(near) == nil)
        #expect(ours.attach(far) == .full)
        await bound.stop()
        let open = try await BranchNode.start("open", at: .v4(0), room: 9)
        let theirs = try open.desk.begin(name, from: there) { _ in }
        #expect(theirs.attach(near) == .full)
        #expect(theirs.attach(far) == nil)
        let local = try open.desk.begin(name, from: here) { _ in }
        #expect(local.attach(near) == nil)
        await open.stop()
    }

    @Test("is refused where no node helps")
    func alone() async throws {
        let world = try await World(rooms: [1])
        for expected in [nil, SessionFailure.tooManySubscribers] {
            let viewer = try UDPSocket()
            var failure: SessionFailure?
            do throws(SessionFailure) {
                try await world.home.desk.add(viewer.endpoint, to: world.session.id)
            } catch { failure = error }
            #expect(failure == expected)
        }
        await world.stop()
    }

    /// A home with a session, and its edge set.
    private struct World {
        let home: BranchNode
        let edges: [BranchNode]
        let source: UDPSocket
        let session: SessionStatus

        init(
            rooms: [Int], allowed: [AddressPrefix] = .loopback, on loop: any EventLoop = BranchNode.group.any()
        ) async throws {
            var nodes: [BranchNode] = []
            for (number, room) in rooms.enumerated() {
                nodes.append(
                    try await BranchNode.start("node-\(number)", room: room, allowed: allowed, on: loop))
            }
            home = nodes[0]
            edges = Array(nodes.dropFirst())
            home.peers.edges = try edges.map { try $0.asParent }
            source = try UDPSocket()
            session = try home.desk.create(source: source.endpoint, ssrc: 7, mediaType: .video)
        }

        func stop() async { for node in [home] + edges { await node.stop() } }
    }
}
