// SPDX-License-Identifier: Apache-2.0

import Glibc
public import NIOCore
import NIOPosix
import Synchronization

/// A TCP port that takes connections within limits, hands each to its owner, and closes in good order.
///
/// Hop 1 of the life of a frame.
public final class TCPListener: Sendable {
    /// The address that is listened on; its port is the real one where port 0 was asked for.
    public let address: SocketAddress
    private let server: any Channel
    private let children: ConnectionTable

    /// Sets up the pipeline of one admitted connection, on its event loop, before it reads.
    public typealias Initializer = @Sendable (any Channel, PeerAddress) throws -> Void

    /// Listens, and gives every admitted connection to `initializer`; one that throws closes its connection.
    public static func bind(
        _ settings: TCPListenerSettings, on group: any EventLoopGroup, observer: any TransportObserver,
        initializer: @escaping Initializer
    ) async throws -> TCPListener {
        let children = ConnectionTable(limits: settings.limits, observer: observer)
        let server = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: settings.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.closeOnExec() }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.closeOnExec()
                    try initializer(channel, try children.admit(channel))
                }
            }
            .bind(to: SocketAddress.listening(at: settings.host, port: settings.port)).get()
        guard let address = server.localAddress else { throw ChannelError.ioOnClosedChannel }
        return TCPListener(address: address, server: server, children: children)
    }

    /// How many connections are open.
    public var connections: Int { children.count }

    /// Takes no more connections, asks those there are to end (`ChannelShouldQuiesceEvent`), and cuts what is left after
    /// `grace`. Returns when all are gone.
    public func stop(within grace: Duration) async {
        children.beginStopping(on: server.eventLoop)
        try? await server.close()
        children.forEach { $0.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        let cut = server.eventLoop.scheduleTask(in: TimeAmount(grace)) { [children] in
            children.forEach { $0.close(promise: nil) }
        }
        await children.drained()
        cut.cancel()
    }

    private init(address: SocketAddress, server: any Channel, children: ConnectionTable) {
        self.address = address
        self.server = server
        self.children = children
    }
}

extension SocketAddress {
    /// Where to listen. An address is taken as it is: a resolver may refuse one of a family that the machine has no
    /// network of, which is no reason not to listen.
    public static func listening(at host: String, port: Int) throws -> SocketAddress {
        if let address = try? SocketAddress(ipAddress: host, port: port) { return address }
        return try .makeAddressResolvingHost(host, port: port)
    }
}

extension Channel {
    /// Keeps the socket from programs that the process starts, in which it would hold the port or the connection open
    /// after we closed it. NIO does not ask for SOCK_CLOEXEC.
    fileprivate func closeOnExec() throws {
        try pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { socket in
            guard fcntl(socket, F_SETFD, FD_CLOEXEC) == 0 else { throw IOError(errnoCode: errno, reason: "fcntl") }
        }
    }
}

/// Where a listener listens.
public struct TCPListenerSettings: Sendable, Equatable {
    /// The address to bind; `::` takes IPv4 too, unless the machine says otherwise.
    public var host: String
    /// The port to bind; 0 lets the system choose.
    public var port: Int
    /// Connections that the kernel may hold for us before we accept them; it caps this by `net.core.somaxconn`.
    public var backlog: Int32
    /// How many connections are taken, and how fast.
    public var limits: AdmissionLimits

    /// Settings with their defaults.
    public init(host: String, port: Int, backlog: Int32 = 4096, limits: AdmissionLimits = AdmissionLimits()) {
        self.host = host
        self.port = port
        self.backlog = backlog
        self.limits = limits
    }
}
