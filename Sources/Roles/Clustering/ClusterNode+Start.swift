// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Cluster
import Gossip
import Identity
public import Logging
import Media
public import NIOCore
import NIOPosix
public import Telemetry
public import Transport

extension ClusterNode {
    /// Opens the UDP and the TCP port and begins to join.
    public static func start(
        _ settings: ClusterNodeSettings, on group: any EventLoopGroup, listeners: ClusterListeners,
        metrics: ClusterMetrics, log: StormLog, logger: Logger, observer: any TransportObserver
    ) async throws -> ClusterNode {
        let eventLoop = group.next()
        let box = NIOLoopBoundBox.makeEmptyBox(valueType: GossipLoop.self, eventLoop: eventLoop)
        let (server, channel) = try await openPorts(settings, box, on: eventLoop, observer: observer)
        let port = server.address.port ?? settings.port
        var settings = settings
        let own = settings.description.gossip
        settings.description.gossip = Endpoint(
            address: own.address, port: own.port == 0 ? UInt16(truncatingIfNeeded: port) : own.port)
        let boot = UInt64(SystemClock.wall().milliseconds.magnitude)
        let ready = settings
        return try await eventLoop.submit {
            let loop = GossipLoop(
                settings: ready, boot: boot, listeners: listeners, metrics: metrics, log: log, logger: logger,
                on: eventLoop)
            box.value = loop
            loop.start(channel)
            return ClusterNode(address: server.address, server: server, loop: loop, shared: loop.shared)
        }.get()
    }

    /// Opens both ports under one number. Where any will do, one that is free for TCP may be taken for UDP: then another
    /// is tried.
    private static func openPorts(
        _ settings: ClusterNodeSettings, _ box: NIOLoopBoundBox<GossipLoop?>, on eventLoop: any EventLoop,
        observer: any TransportObserver
    ) async throws -> (TCPListener, any Channel) {
        var attempts = settings.port == 0 ? 16 : 1
        while true {
            let only = TCPListenerSettings(host: settings.host, port: settings.port, limits: settings.limits)
            let server = try await TCPListener.bind(only, on: eventLoop, observer: observer) { channel, _ in
                try box.value?.accept(channel)
            }
            attempts -= 1
            do {
                let address = try SocketAddress.listening(
                    at: settings.host, port: server.address.port ?? settings.port)
                return (server, try await openDatagrams(address, box, on: eventLoop))
            } catch {
                await server.stop(within: .zero)
                if attempts == 0 { throw error }
            }
        }
    }

    private static func openDatagrams(
        _ address: SocketAddress, _ box: NIOLoopBoundBox<GossipLoop?>, on eventLoop: any EventLoop
    ) async throws -> any Channel {
        try await DatagramBootstrap(group: eventLoop)
            .channelOption(.socketOption(.so_rcvbuf), value: 1 << 20)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 2048))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(GossipPackets { box.value })
                }
            }
            .bind(to: address).get()
    }
}

/// Datagrams in.
private final class GossipPackets: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let loop: () -> GossipLoop?

    init(_ loop: @escaping () -> GossipLoop?) { self.loop = loop }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard let endpoint = Endpoint(envelope.remoteAddress) else { return }
        loop()?.receive(Array(envelope.data.readableBytesView)[...], from: endpoint)
    }

    /// An error of the socket is about a datagram that was sent; its promise tells.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
