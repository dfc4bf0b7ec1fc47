// SPDX-License-Identifier: Apache-2.0

import Cluster
import Datagrams
import Fanout
import Identity
import NIOCore
import NIOPosix
import PlainRTP
import Relay
import Replica
import Synchronization
import Telemetry
import Testing
import Transport

/// A node's plain RTP with its relay, on loopback.
final class BranchNode: Sendable {
    let name: NodeID
    let desk: FanoutDesk
    let peers = FixedPeers()
    let registry = MetricRegistry(
        families: PlainRTPMetrics.families + DatagramMetrics.families + RelayMetrics.families)
    private let front: RelayFront
    private let listener: TCPListener

    /// Puts something into the pipelines of the relay.
    typealias Secure = @Sendable (any Channel, NodeID?) throws -> Void

    static let group = MultiThreadedEventLoopGroup.singleton

    /// - Parameter room: how many subscribers of a session the node may send to.
    static func start(
        _ name: String, at address: IPAddress = .v4(0x7F00_0001), room: Int, allowed: [AddressPrefix] = .loopback,
        on loop: any EventLoop = BranchNode.group.any(), secure: @escaping Secure = { _, _ in },
        change: (inout FanoutSettings) -> Void = { _ in }
    ) async throws -> BranchNode {
        var fanout = FanoutSettings()
        fanout.maximumSubscribers = room
        change(&fanout)
        return try await BranchNode(
            try #require(NodeID(parsing: name)), fanout, at: address, allowed: allowed, on: loop, secure: secure)
    }

    private init(
        _ name: NodeID, _ fanout: FanoutSettings, at address: IPAddress, allowed: [AddressPrefix],
        on loop: any EventLoop, secure: @escaping Secure
    ) async throws {
        self.name = name
        let identity = RelayIdentity(
            node: name, cluster: "test", incarnation: 1, settings: RelaySettings(), secure: secure)
        let metrics = RelayMetrics(registry)
        let desk = try FanoutDesk.start(
            PlainRTPSettings(
                local: Endpoint(address: address, port: 0), threads: 2, hold: .milliseconds(2),
                allowed: allowed, fanout: fanout),
            metrics: PlainRTPMetrics(registry), datagrams: DatagramMetrics(registry, port: .rtp),
            cluster: FanoutCluster(peers: peers, identity: identity, on: loop, metrics: metrics))
        self.desk = desk
        let front = RelayFront(
            identity: identity, replicas: ReplicaTable(), doorkeeper: NoFeeds(), source: nil, metrics: metrics)
        front.carrier = desk
        self.front = front
        listener = try await TCPListener.bind(
            TCPListenerSettings(host: "127.0.0.1", port: 0), on: Self.group, observer: NoObserver()
        ) { channel, peer in try front.accept(channel, peer) }
    }

    /// How others reach it.
    var asParent: RelayParent {
        get throws {
            let port = try #require(listener.address.port)
            return RelayParent(
                node: name, endpoint: Endpoint(address: .v4(0x7F00_0001), port: UInt16(truncatingIfNeeded: port)))
        }
    }

    /// The value of a series.
    func value(_ series: String) -> Int {
        let lines = String(decoding: registry.text(), as: UTF8.self).split(separator: "\n")
        return lines.first { $0.hasPrefix("\(series) ") }.flatMap { Int($0.split(separator: " ").last ?? "") } ?? 0
    }

    /// Its connections end; what it sends ends with them.
    func crash() async { await listener.stop(within: .zero) }

    func stop() async {
        desk.stop()
        await listener.stop(within: .milliseconds(100))
        front.carrier = nil
    }
}

/// An edge set that a test names.
final class FixedPeers: FanoutPeers {
    private let state = Mutex<(edges: [RelayParent], isLeaving: Bool)>(([], false))

    var edges: [RelayParent] {
        get { state.withLock { $0.edges } }
        set { state.withLock { $0.edges = newValue } }
    }

    var isLeaving: Bool {
        get { state.withLock { $0.isLeaving } }
        set { state.withLock { $0.isLeaving = newValue } }
    }

    func edges(of key: RankingKey) -> [RelayParent] { edges }
}

/// Serves no feed.
private struct NoFeeds: RelayDoorkeeper {
    func verdict(on request: RelayRequest, by node: NodeID) -> RelayVerdict { .refuse(.unknownStream) }
    func isLeaving(_ stream: StreamID) -> Bool { false }
    func holder(_ node: NodeID, of stream: StreamID, said acknowledgement: RelayPublisherSession.Acknowledgement) {}
    func lostHolder(_ node: NodeID, of stream: StreamID) {}
    func answer(_ stream: StreamID, term: Term) -> TermAnswer {
        TermAnswer(stream: stream, term: term, next: nil, commit: nil)
    }
}

/// Counts nothing.
private struct NoObserver: TransportObserver {
    func connectionAccepted() {}
    func connectionClosed() {}
    func connectionRefused(_ reason: ConnectionRefusal) {}
    func handshakeFailed(_ reason: HandshakeFailure) {}
}
