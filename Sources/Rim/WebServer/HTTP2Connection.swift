// SPDX-License-Identifier: Apache-2.0

import Bytes
public import NIOCore
import NIOHTTP2
public import Transport

extension WebLoop {
    /// Lets HTTP/2 in on a connection that agreed on it by ALPN: a door for each stream.
    public func openHTTP2(on channel: any Channel, peer: PeerAddress) throws {
        try limitWrites(of: channel)
        let connection = HTTP2Connection(loop: self)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .server, connectionConfiguration: connectionLimits, streamConfiguration: streamLimits,
            streamDelegate: connection
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                let door = HTTP2Door(loop: bound.value, peer: peer, connection: connection)
                try stream.pipeline.syncOperations.addHandler(door)
            }
        }
        try channel.pipeline.syncOperations.addHandler(connection)
    }

    private var connectionLimits: NIOHTTP2Handler.ConnectionConfiguration {
        var limits = NIOHTTP2Handler.ConnectionConfiguration()
        limits.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: settings.maximumStreams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: settings.maximumHead.bytes),
        ]
        return limits
    }

    private var streamLimits: NIOHTTP2Handler.StreamConfiguration {
        var limits = NIOHTTP2Handler.StreamConfiguration()
        limits.outboundBufferSizeHighWatermark = settings.writeHighWater.bytes
        limits.outboundBufferSizeLowWatermark = settings.writeHighWater.bytes / 2
        limits.streamResetFrameRateLimit.maximumCount = settings.maximumResets
        return limits
    }
}

/// Watches over a whole HTTP/2 connection: ends it when it is idle, stalled, or told to stop.
final class HTTP2Connection: Supervised, ChannelInboundHandler, NIOHTTP2StreamDelegate, @unchecked Sendable {
    // SAFETY: the delegate's protocol asks for Sendable, but NIOHTTP2 calls it on the connection's event loop only,
    // where all of this lives.
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private let loop: WebLoop
    private var context: ChannelHandlerContext?
    private var streams = 0
    private var lastStream = HTTP2StreamID.rootStream
    private var isStopping = false
    private var stall = StallWatch()
    private var deadline: NIODeadline?

    init(loop: WebLoop) { self.loop = loop }

    func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
        streams += 1
        lastStream = max(lastStream, id)
        deadline = nil
    }

    func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
        streams -= 1
        guard streams == 0 else { return }
        rest()
        guard isStopping else { return }
        // NIOHTTP2 tells it in the middle of a flush: the stream's last frame is written, but has not gone on yet.
        loop.eventLoop.assumeIsolated().execute {
            if let context = self.context { self.sayGoodbye(context) }
        }
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        rest()
        loop.supervise(self)
        if loop.isStopping { stop(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        loop.release(self)
        self.context = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { stop(context) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Errors of one stream are answered by NIOHTTP2; the others end the connection there, by a GOAWAY.
        if !(error is NIOHTTP2Errors.StreamError) { context.close(promise: nil) }
    }

    override func tick(now: NIODeadline) {
        guard let context else { return }
        let waiting = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if stall.isStalled(pending: waiting, now: now, timeout: TimeAmount(loop.settings.stallTimeout)) {
            loop.observer.timedOut(.stalled)
            context.close(promise: nil)
        } else if !isStopping, let deadline, now >= deadline {
            loop.observer.timedOut(.idle)
            stop(context)
        }
    }

    /// Has the connection end when the streams that are open are done.
    func end() {
        // It is asked for in the middle of reading a stream's frame.
        loop.eventLoop.assumeIsolated().execute {
            if let context = self.context { self.stop(context) }
        }
    }

    private func rest() { deadline = loop.eventLoop.now + TimeAmount(loop.settings.idleTimeout) }

    /// Takes no new streams, and leaves when the last one is done.
    private func stop(_ context: ChannelHandlerContext) {
        guard !isStopping else { return }
        isStopping = true
        sayGoodbye(context)
    }

    /// Says which streams are answered (RFC 9113 §6.8). When none is open, the connection ends once this has left, and
    /// so have the answers before it.
    private func sayGoodbye(_ context: ChannelHandlerContext) {
        let farewell = HTTP2Frame.FramePayload.goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil)
        let sent = context.eventLoop.makePromise(of: Void.self)
        if streams == 0 {
            sent.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        }
        context.writeAndFlush(wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: farewell)), promise: sent)
    }
}
