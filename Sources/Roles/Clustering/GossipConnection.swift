// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Gossip
import NIOCore
import Telemetry
import Transport

/// One TCP stream between two members: greetings, then sealed messages. Confined to the gossip loop's event loop.
final class GossipConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let stream: GossipStream
    /// Which pool it speaks for; nil while the peer of an accepted stream has not said.
    private(set) var pool: GossipPool?
    private unowned let loop: GossipLoop
    private let identities: GossipWire.Identities
    private let keyring: Keyring
    private var session: SealedStreamSession
    private var decoder = GossipStreamDecoder()
    /// What came before the pool was known.
    private var greeting: [UInt8] = []
    private var waiting: [GossipStreamMessage] = []
    private var context: ChannelHandlerContext?
    private var isFinishing = false

    init(
        _ stream: GossipStream, pool: GossipPool?, loop: GossipLoop, _ identities: GossipWire.Identities,
        _ keyring: Keyring
    ) {
        self.stream = stream
        self.pool = pool
        self.loop = loop
        self.identities = identities
        self.keyring = keyring
        var random = SystemRandomNumberGenerator()
        if let pool {
            session = .opener(identities[pool], keyring: keyring, using: &random)
        } else {
            session = .acceptor(identities.region, keyring: keyring, using: &random)
        }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { channelActive(context: context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        obey(session.begin())
        let limit = TimeAmount(loop.settings.gossip.region.streamTimeout)
        loop.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: limit) { [weak self] in self?.end() }
        guard case .accepted = stream else { return }
        loop.eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: Self.greetingTime) { [weak self] in
            if let self, !session.isOpen { end() }
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Array(unwrapInboundIn(data).readableBytesView)
        loop.metrics.bytesReceived.add(bytes.count)
        do throws(SealFailure) {
            obey(try receive(bytes[...]))
        } catch {
            if let endpoint = Endpoint(context.remoteAddress) { loop.refuse(error, from: endpoint) }
            end()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        loop.closed(self)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

extension GossipConnection {
    /// How long whoever connects may take to show that it has a key: strangers are not to hold the port full.
    private static let greetingTime: TimeAmount = .seconds(1)

    /// Sends a message, once the greetings are over.
    func write(_ message: GossipStreamMessage) {
        guard session.isOpen, let context else { return waiting.append(message) }
        var plain: [UInt8] = []
        GossipStreamEncoder().append(message, to: &plain)
        send(session.seal(plain[...]), context)
    }

    /// Ends the stream when all is sent.
    func finish() {
        isFinishing = true
        if session.isOpen { endAfterWrites() }
    }

    /// An accepted stream's pool is found by trying: the tag in the hello fits one of the two.
    private func receive(_ bytes: ByteSlice) throws(SealFailure) -> [SealedStreamSession.Directive] {
        guard pool == nil else { return try session.receive(bytes) }
        greeting += bytes
        do throws(SealFailure) {
            let directives = try session.receive(bytes)
            if session.isOpen { settle(.region) }
            return directives
        } catch {
            guard error == .wrongCluster else { throw error }
            var random = SystemRandomNumberGenerator()
            session = .acceptor(identities.world, keyring: keyring, using: &random)
            settle(.world)
            return try session.receive(greeting[...])
        }
    }

    private func settle(_ pool: GossipPool) {
        self.pool = pool
        loop.opened(self, pool: pool)
    }

    private func obey(_ directives: [SealedStreamSession.Directive]) {
        for directive in directives {
            switch directive {
            case .opened: break
            case .receive(let plain): decode(plain)
            case .send(let bytes): if let context { send(bytes, context) }
            }
        }
        guard session.isOpen, !waiting.isEmpty else { return }
        let messages = waiting
        waiting = []
        for message in messages { write(message) }
        if isFinishing { endAfterWrites() }
    }

    private func decode(_ plain: [UInt8]) {
        guard let pool else { return }
        decoder.append(plain)
        do throws(GossipFailure) {
            while let message = try decoder.next() { loop.receive(message, on: stream, pool: pool) }
        } catch {
            loop.metrics.malformed.add()
            end()
        }
    }

    private func send(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        loop.metrics.bytesSent.add(bytes.count)
        context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
    }

    private func end() { context?.close(promise: nil) }

    private func endAfterWrites() {
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolatedUnsafeUnchecked().whenComplete {
            [weak self] _ in self?.end()
        }
    }
}
