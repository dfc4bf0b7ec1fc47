// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Datagrams
import NIOCore
import Synchronization
import Transport
import WebRTC

/// The TCP port at which clients come whose networks let no UDP through: passive candidates of ICE (RFC 6544).
final class StreamDoor: Sendable {
    let metrics: RealTimeMetrics
    /// How long a connection may be no session's.
    let patience: Duration
    private let table: SessionTable
    private let threads: ThreadGroup
    private let threadCount: Int
    private let listener = Mutex<TCPListener?>(nil)
    /// Connections that are no session's yet.
    private let strangers = Atomic(0)
    private let turn = Atomic(0)

    init(_ settings: RealTimeSettings, table: SessionTable, threads: ThreadGroup, metrics: RealTimeMetrics) {
        self.table = table
        self.threads = threads
        self.metrics = metrics
        patience = min(settings.connectTimeout, Self.longestPatience)
        threadCount = max(1, settings.threads)
    }

    /// The port that is listened on; nil before that.
    var port: Int? { listener.withLock { $0?.address.port } }

    /// Opens the port.
    func listen(
        _ settings: TCPListenerSettings, on group: any EventLoopGroup, observer: any TransportObserver
    ) async throws {
        let bound = try await TCPListener.bind(settings, on: group, observer: observer) { [self] channel, peer in
            try accept(channel, peer)
        }
        listener.withLock { $0 = bound }
    }

    /// Closes the port and its connections.
    func stop() async {
        let bound = listener.withLock { $0.take() }
        await bound?.stop(within: .zero)
    }

    /// A connection is a session's, or is gone before that.
    private func strangerLeft() { strangers.wrappingSubtract(1, ordering: .relaxed) }

    /// The thread that a connection's packets are for, by its first one: the thread of the session whose check it is, or any
    /// where none has it yet.
    func thread(for packet: ByteSlice) throws(StrangerFailure) -> Int {
        try packet.withUnsafeBufferPointer { bytes throws(StrangerFailure) -> Int in
            guard DatagramKind(of: bytes.span) == .stun else { throw .notACheck }
            guard let check = try? STUNMessage(parsing: bytes.span) else { throw .malformed }
            guard let fragment = check.localFragment(in: bytes.span), let found = table.find(fragment) else {
                throw .unknownFragment
            }
            guard found.key.verifies(check, in: bytes.span) else { throw .badIntegrity }
            return found.thread ?? turn.wrappingAdd(1, ordering: .relaxed).newValue % threadCount
        }
    }

    private func accept(_ channel: any Channel, _ peer: PeerAddress) throws {
        guard let port = channel.remoteAddress?.port, strangers.load(ordering: .relaxed) < Self.mostStrangers else {
            metrics.dropped("stream_full")
            throw ChannelError.operationUnsupported
        }
        let address: IPAddress = peer.isIPv4 ? .v4(UInt32(truncatingIfNeeded: peer.low)) : .v6(peer.high, peer.low)
        let remote = DatagramAddress(Endpoint(address: address, port: UInt16(truncatingIfNeeded: port)))
        try channel.pipeline.syncOperations.addHandler(
            StreamConnection(
                self, StreamWay(remote, channel, threads: threads, metrics: metrics) { [self] in strangerLeft() }))
        strangers.wrappingAdd(1, ordering: .relaxed)
    }

    private static let longestPatience: Duration = .seconds(5)
    /// Each holds a descriptor and a packet.
    private static let mostStrangers = 512
}

/// Why a connection is no session's; datagrams of the kind are counted under the same labels.
enum StrangerFailure: String, Error {
    case badIntegrity = "stun_bad_integrity"
    case malformed = "stun_malformed"
    case notACheck = "stranger"
    case unknownFragment = "stun_unknown_fragment"
}
