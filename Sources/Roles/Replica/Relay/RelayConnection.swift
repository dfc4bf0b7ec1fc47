// SPDX-License-Identifier: Apache-2.0

import Bytes
import NIOCore
import Relay
import Telemetry
import Transport

/// What a connection between nodes is for: serving the other, or being served. Confined to its loop.
protocol RelayParty: AnyObject {
    /// The peer has said who it is.
    func greeted(_ peer: RelayHello, on connection: RelayConnection)
    /// A frame came.
    func receive(_ frame: RelayFrame)
    /// The connection takes more again.
    func writable()
    /// About ten times a second.
    func tick(now: Duration)
    /// The connection is gone.
    func closed()
}

/// The shell around one connection between two nodes. Confined to its loop.
final class RelayConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Who uses it.
    weak var party: (any RelayParty)?
    /// Whoever nobody else keeps alive while the connection lasts.
    var kept: AnyObject?
    let eventLoop: any EventLoop
    private var link: RelayLinkSession
    private let silenceTimeout: Duration
    private let metrics: RelayMetrics
    private let now: @Sendable () -> Duration
    private var context: ChannelHandlerContext?
    private var hasBegun = false
    private var isGreeted = false
    private var skippedMessages = 0
    private var hasFailed = false
    private var isClosed = false

    init(
        _ link: RelayLinkSession, silenceTimeout: Duration, eventLoop: any EventLoop, metrics: RelayMetrics,
        now: @escaping @Sendable () -> Duration
    ) {
        self.link = link
        self.silenceTimeout = silenceTimeout
        self.eventLoop = eventLoop
        self.metrics = metrics
        self.now = now
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin() }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelActive(context: ChannelHandlerContext) {
        begin()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard !isClosed else { return }
        metrics.bytesReceived.add(buffer.readableBytes)
        link.receive(Array(buffer.readableBytesView)[...])
        do throws(RelayFailure) {
            while let frame = try link.next(), !isClosed {
                greet()
                party?.receive(frame)
            }
            greet()
        } catch { fail(error) }
        countSkipped()
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        link.isWritable(context.channel.isWritable, now: now())
        if context.channel.isWritable { party?.writable() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { close() }
        context.fireUserInboundEventTriggered(event)
    }
}

extension RelayConnection {
    /// Whether more would only pile up.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Sends a message; ``flush()`` sends it out.
    func send(_ message: RelayMessage, channel: UInt32) {
        var bytes: [UInt8] = []
        RelayFrameEncoder().append(RelayFrame(channel: channel, message: message), to: &bytes)
        write(ByteBuffer(bytes: bytes))
    }

    /// Sends a batch of records whose content others are sent, too.
    func send(records body: ByteBuffer, channel: UInt32) {
        write(ByteBuffer(bytes: RelayFrameEncoder().head(ofRecords: body.readableBytes, channel: channel)))
        write(body)
    }

    /// Sends frames that are bytes already.
    func send(frames: ByteBuffer) { write(frames) }

    /// Sends out what was written.
    func flush() { context?.flush() }

    /// Ends the connection in good order.
    func close() { context?.close(promise: nil) }

    /// Ends the connection for what the peer did.
    func fail(_ failure: RelayFailure) {
        guard !isClosed, !hasFailed else { return }
        hasFailed = true
        metrics.failed(failure)
        close()
    }

    private func write(_ buffer: ByteBuffer) {
        guard let context, !isClosed else { return }
        metrics.bytesSent.add(buffer.readableBytes)
        context.write(wrapOutboundOut(buffer), promise: nil)
    }

    private func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        _ = context?.channel.breaksOff(afterSilence: silenceTimeout)
        send(link.greeting.message, channel: 0)
        flush()
        keepTime()
    }

    private func keepTime() {
        eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(in: .milliseconds(100)) { [self] in
            guard !isClosed else { return }
            tick()
            keepTime()
        }
    }

    private func greet() {
        guard !isGreeted, let peer = link.peer else { return }
        isGreeted = true
        party?.greeted(peer, on: self)
    }

    private func countSkipped() {
        guard link.skippedMessages > skippedMessages, let kind = link.unknownKind else { return }
        metrics.passedOver(link.skippedMessages - skippedMessages, of: kind, isFirst: skippedMessages == 0)
        skippedMessages = link.skippedMessages
    }

    private func tick() {
        do throws(RelayFailure) { try link.tick(now: now()) } catch { return fail(error) }
        party?.tick(now: now())
        flush()
    }

    private func end() {
        guard !isClosed else { return }
        isClosed = true
        party?.closed()
        kept = nil
    }
}
