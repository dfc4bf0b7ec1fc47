// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import NIOCore
import NIOPosix
import OTLP
import Relay
import Replica
import Synchronization
import Telemetry
import Testing
import Traces
import Transport

/// A node's relay on loopback: a door, and what it takes from its parents.
final class RelayedNode: Sendable {
    let name: NodeID
    let replicas = ReplicaTable()
    let registry = MetricRegistry(families: RelayMetrics.families + ReplicaMetrics.families)
    let finder = FixedParents()
    /// Every segment is traced.
    let tracer: NodeTracer
    let doorkeeper: Doorkeeper
    let upstream: UpstreamTable
    let front: RelayFront
    let listener: TCPListener

    static let group = MultiThreadedEventLoopGroup.singleton

    static func start(
        _ name: String, cluster: String = "test", below parents: [RelayedNode] = [], linger: Duration = .seconds(10)
    ) async throws -> RelayedNode {
        let id = try #require(NodeID(parsing: name))
        return try await RelayedNode(id, cluster: cluster, below: parents, linger: linger)
    }

    private init(_ name: NodeID, cluster: String, below parents: [RelayedNode], linger: Duration) async throws {
        self.name = name
        let tracer = NodeTracer(node: name, sampling: TraceSampling(oneIn: 1), foreignRequests: 0)
        self.tracer = tracer
        let identity = RelayIdentity(
            node: name, cluster: cluster, incarnation: 1, settings: RelaySettings(), secure: { _, _ in })
        let (replicaMetrics, metrics) = (ReplicaMetrics(registry), RelayMetrics(registry))
        var settings = UpstreamSettings()
        settings.linger = linger
        upstream = UpstreamTable(
            identity: identity, replicas: replicas, finder: finder, settings: settings, on: Self.group, metrics: metrics
        ) { id in
            StreamReplica(
                id: id, checkingOneIn: 1, settings: MediaWindowSettings(), metrics: replicaMetrics, tracer: tracer)
        }
        doorkeeper = Doorkeeper(replicas)
        let front = RelayFront(
            identity: identity, replicas: replicas, doorkeeper: doorkeeper, source: upstream, metrics: metrics)
        self.front = front
        listener = try await TCPListener.bind(
            TCPListenerSettings(host: "127.0.0.1", port: 0), on: Self.group, observer: NoObserver()
        ) { channel, peer in try front.accept(channel, peer) }
        finder.parents = try parents.map { try $0.asParent }
    }

    /// How others reach it.
    var asParent: RelayParent {
        get throws {
            let port = try #require(listener.address.port)
            return RelayParent(
                node: name, endpoint: Endpoint(address: .v4(0x7F00_0001), port: UInt16(truncatingIfNeeded: port)))
        }
    }

    /// The spans that have ended here, each once.
    func takeSpans() -> [SpanRecord] {
        tracer.export { session in
            var spans: [SpanRecord] = []
            var random = SystemRandomNumberGenerator()
            session.close()
            while let batch = session.next(now: SystemClock.now()) {
                spans += batch
                session.answered(.accepted(rejected: 0), now: SystemClock.now(), using: &random)
            }
            return spans
        }
    }

    /// The value of a metric's series.
    func metric(_ name: String, _ label: String? = nil) -> Int {
        let line = String(decoding: registry.text(), as: UTF8.self).split(separator: "\n").first { line in
            guard let label else { return line.hasPrefix("\(name) ") }
            return line.hasPrefix("\(name){") && line.contains("=\"\(label)\"} ")
        }
        return line.flatMap { $0.split(separator: " ").last }.flatMap { Int($0) } ?? 0
    }

    func stop() async {
        upstream.stop()
        await listener.stop(within: .milliseconds(100))
    }
}

/// Parents that a test names.
final class FixedParents: ParentFinder {
    private let state = Mutex<(parents: [RelayParent], isOver: Bool)>(([], false))

    var parents: [RelayParent] {
        get { state.withLock { $0.parents } }
        set { state.withLock { $0.parents = newValue } }
    }

    /// Whether the stream is known to be over.
    var isOver: Bool {
        get { state.withLock { $0.isOver } }
        set { state.withLock { $0.isOver = newValue } }
    }

    func parents(of stream: StreamID) -> RelayParents? {
        let (candidates, isOver) = state.withLock { $0 }
        return candidates.isEmpty && !isOver ? nil : RelayParents(candidates: candidates, isOver: isOver)
    }
}

/// Lets everybody in, and notes what holders say.
final class Doorkeeper: RelayDoorkeeper {
    private let replicas: ReplicaTable
    private let state = Mutex<State>(State())

    init(_ replicas: ReplicaTable) { self.replicas = replicas }

    private struct State {
        var verdict = RelayVerdict.accept
        var said: [RelayPublisherSession.Acknowledgement] = []
        var lost = 0
        var isLeaving = false
    }

    var verdict: RelayVerdict {
        get { state.withLock { $0.verdict } }
        set { state.withLock { $0.verdict = newValue } }
    }

    var said: [RelayPublisherSession.Acknowledgement] { state.withLock { $0.said } }

    var lost: Int { state.withLock { $0.lost } }

    var isLeaving: Bool {
        get { state.withLock { $0.isLeaving } }
        set { state.withLock { $0.isLeaving = newValue } }
    }

    func verdict(on request: RelayRequest, by node: NodeID) -> RelayVerdict { verdict }

    func isLeaving(_ stream: StreamID) -> Bool { isLeaving }

    func holder(_ node: NodeID, of stream: StreamID, said acknowledgement: RelayPublisherSession.Acknowledgement) {
        state.withLock { $0.said.append(acknowledgement) }
    }

    func lostHolder(_ node: NodeID, of stream: StreamID) { state.withLock { $0.lost += 1 } }

    func answer(_ stream: StreamID, term: Term) -> TermAnswer {
        let known = max(replicas.promised(stream) ?? term, term)
        let held = replicas.promise(stream, term)
        return TermAnswer(stream: stream, term: known, next: held.next, commit: held.commit)
    }
}

/// Counts nothing.
struct NoObserver: TransportObserver {
    func connectionAccepted() {}
    func connectionClosed() {}
    func connectionRefused(_ reason: ConnectionRefusal) {}
    func handshakeFailed(_ reason: HandshakeFailure) {}
}
