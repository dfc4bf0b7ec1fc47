// SPDX-License-Identifier: Apache-2.0

import Cluster
import Datagrams
import Fanout
import PlainRTP
import Telemetry
import TestKit
import Testing
import Transport

@Suite("Plain RTP", .serialized) struct FanoutDeskTests {
    @Test("goes to every subscriber byte for byte", arguments: [1, 2])
    func verbatim(threads: Int) throws {
        let world = try World(threads: threads)
        let session = try world.create(ssrc: 0xDEAD_BEEF)
        let viewers = try (0..<5).map { _ in try UDPSocket() }
        for viewer in viewers { try world.desk.subscribe(viewer.endpoint, to: session.id) }
        let sent = (0..<20).map { packet(0xDEAD_BEEF, $0, isMarked: $0 % 4 == 3, length: $0 % 4 == 3 ? 70 : 200) }
        for bytes in sent { world.source.send(bytes, to: world.desk.port) }
        for viewer in viewers { #expect(sent.indices.map { _ in viewer.receive() } == sent) }
        let counters = try #require(world.desk.session(session.id)).counters
        #expect(counters.packetsReceived == 20 && counters.packetsSent == 100)
        #expect(counters.bytesSent == 5 * counters.bytesReceived)
    }

    @Test("refuses a port that another has, though threads share it")
    func takenPort() throws {
        let world = try World(threads: 2)
        #expect(throws: DatagramFailure.self) { _ = try World(threads: 2, port: world.desk.port) }
    }

    @Test("sends the packets of a picture to each subscriber as one message, and waits for them no longer than it may")
    func bursts() async throws {
        let world = try World(hold: .milliseconds(100))
        let session = try world.create(ssrc: 1)
        let viewer = try UDPSocket()
        try world.desk.subscribe(viewer.endpoint, to: session.id)
        for number in UInt16(0)..<8 { world.source.send(packet(1, number, isMarked: number == 7), to: world.desk.port) }
        for _ in 0..<8 { #expect(viewer.receive() != nil) }
        // Counted when the kernel has taken them, which is after the first is there.
        try await eventually("they went as one") { world.value("millrace_datagram_messages_total{port=\"rtp\"}") == 1 }
        world.source.send(packet(1, 8, isMarked: false), to: world.desk.port)
        #expect(viewer.receive() == packet(1, 8, isMarked: false))
    }

    @Test("goes through of any length that a path carries, mixed as it comes")
    func lengths() throws {
        let world = try World(hold: .milliseconds(1))
        let session = try world.create(ssrc: 1)
        let viewer = try UDPSocket()
        try world.desk.subscribe(viewer.endpoint, to: session.id)
        let lengths = (UInt16(0)..<200).map { (number: $0, length: 26 + Int($0) * 7919 % 1400) }
        for each in lengths {
            let bytes = packet(1, each.number, isMarked: each.number % 9 == 0, length: each.length)
            world.source.send(bytes, to: world.desk.port)
            #expect(viewer.receive() == bytes)
        }
    }

    @Test("is taken from the session's source only, and from the first where its port is open")
    func gate() throws {
        let world = try World()
        let stranger = try UDPSocket()
        let viewer = try UDPSocket()
        let exact = try world.create(ssrc: 1)
        let open = try world.desk.create(
            source: Endpoint(address: .v4(0x7F00_0001), port: 0), ssrc: 2, mediaType: .audio)
        for session in [exact, open] { try world.desk.subscribe(viewer.endpoint, to: session.id) }
        stranger.send(packet(1, 1), to: world.desk.port)
        world.source.send(packet(2, 1), to: world.desk.port)
        #expect(viewer.receive() == packet(2, 1))
        stranger.send(packet(2, 2), to: world.desk.port)
        world.source.send(packet(1, 2), to: world.desk.port)
        #expect(viewer.receive() == packet(1, 2))
        #expect(viewer.waiting().isEmpty)
        #expect(world.value("millrace_rtp_packets_refused_total{reason=\"wrong_source\"}") == 2)
    }

    @Test("is not answered and not forwarded where it is no session's")
    func strange() throws {
        let world = try World()
        let session = try world.create(ssrc: 1)
        let viewer = try UDPSocket()
        try world.desk.subscribe(viewer.endpoint, to: session.id)
        let odd: [[UInt8]] = [
            packet(2, 1), [1, 2, 3], [], [0x80, 201, 0, 1, 0, 0, 0, 9], packet(1, 1, length: 2049), packet(1, 7),
        ]
        for bytes in odd { world.source.send(bytes, to: world.desk.port) }
        #expect(viewer.receive() == packet(1, 7))
        #expect(viewer.waiting().isEmpty && world.source.waiting().isEmpty)
        for (reason, count) in [("unknown_source", 1), ("malformed", 2), ("strange_report", 1), ("too_long", 1)] {
            #expect(world.value("millrace_rtp_packets_refused_total{reason=\"\(reason)\"}") == count)
        }
    }

    @Test("takes the source's reports along")
    func reports() throws {
        let world = try World()
        let session = try world.create(ssrc: 1)
        let viewer = try UDPSocket()
        try world.desk.subscribe(viewer.endpoint, to: session.id)
        let report: [UInt8] = [0x80, 200, 0, 6, 0, 0, 0, 1] + [UInt8](repeating: 3, count: 20)
        world.source.send(report, to: world.desk.port)
        #expect(viewer.receive() == report)
    }

    @Test("goes to a stranger only once that returned the probe")
    func consent() async throws {
        let world = try World(allowed: [])
        let session = try world.create(ssrc: 1)
        let (viewer, other) = (try UDPSocket(), try UDPSocket())
        try world.desk.subscribe(viewer.endpoint, to: session.id)
        let probe = try #require(viewer.receive())
        #expect(probe.count == 28)
        world.source.send(packet(1, 1), to: world.desk.port)
        other.send(probe, to: world.desk.port)
        viewer.send(probe, to: world.desk.port)
        try await eventually("it is answered") { world.value("millrace_rtp_probes_answered_total") == 1 }
        world.source.send(packet(1, 2), to: world.desk.port)
        #expect(viewer.receive() == packet(1, 2))
    }

    @Test("stops when the subscriber is removed, and when the session ends")
    func ends() throws {
        let world = try World()
        let session = try world.create(ssrc: 1)
        let (one, other) = (try UDPSocket(), try UDPSocket())
        for viewer in [one, other] { try world.desk.subscribe(viewer.endpoint, to: session.id) }
        try world.desk.unsubscribe(one.endpoint, from: session.id)
        world.source.send(packet(1, 1), to: world.desk.port)
        #expect(other.receive() == packet(1, 1))
        #expect(one.waiting().isEmpty)
        try world.desk.delete(session.id)
        let again = try world.create(ssrc: 1)
        try world.desk.subscribe(one.endpoint, to: again.id)
        world.source.send(packet(1, 2), to: world.desk.port)
        #expect(one.receive() == packet(1, 2))
        #expect(other.waiting().isEmpty)
        #expect(world.desk.session(session.id) == nil)
    }

    @Test("ends with its source, and every family has moved")
    func moves() async throws {
        let world = try World(allowed: []) { $0.idleTimeout = .milliseconds(300) }
        let session = try world.create(ssrc: 1)
        let viewer = try UDPSocket()
        try world.desk.subscribe(viewer.endpoint, to: session.id)
        viewer.send(try #require(viewer.receive()), to: world.desk.port)
        try await eventually("it is answered") { world.value("millrace_rtp_probes_answered_total") == 1 }
        world.source.send([1], to: world.desk.port)
        world.source.send(packet(1, 1), to: world.desk.port)
        #expect(viewer.receive() == packet(1, 1))
        let atWork = Set(world.registry.unmoved.map(\.name))
        #expect(
            atWork == [
                "millrace_datagrams_dropped_total", "millrace_datagram_plain_senders", "millrace_grpc_calls_total",
                "millrace_rtp_sessions_expired_total",
                // Of other nodes: `BranchTests` moves them.
                "millrace_rtp_branches", "millrace_rtp_packets_relayed_total",
                "millrace_rtp_relay_dropped_packets_total",
                "millrace_rtp_subscribers_elsewhere", "millrace_rtp_subscribers_moved_total",
            ])
        try await eventually("it is over") {
            world.desk.tick()
            return world.desk.session(session.id) == nil
        }
        #expect(world.value("millrace_rtp_sessions_expired_total") == 1)
        #expect(world.value("millrace_rtp_subscribers") == 0)
    }

    /// A desk with its source.
    private struct World {
        let desk: FanoutDesk
        let source: UDPSocket
        let registry = MetricRegistry(families: PlainRTPMetrics.families + DatagramMetrics.families)

        init(
            threads: Int = 1, port: UInt16 = 0, hold: Duration = .milliseconds(2),
            allowed: [AddressPrefix] = .loopback,
            change: (inout FanoutSettings) -> Void = { _ in }
        ) throws {
            var fanout = FanoutSettings()
            change(&fanout)
            source = try UDPSocket()
            desk = try FanoutDesk.start(
                PlainRTPSettings(
                    local: Endpoint(address: .v4(0x7F00_0001), port: port), threads: threads, hold: hold,
                    allowed: allowed, fanout: fanout),
                metrics: PlainRTPMetrics(registry), datagrams: DatagramMetrics(registry, port: .rtp))
        }

        func create(ssrc: UInt32) throws -> SessionStatus {
            try desk.create(source: source.endpoint, ssrc: ssrc, mediaType: .video)
        }

        func value(_ series: String) -> Int {
            let lines = String(decoding: registry.text(), as: UTF8.self).split(separator: "\n")
            return lines.first { $0.hasPrefix("\(series) ") }.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
        }
    }
}
