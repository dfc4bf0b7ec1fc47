// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Watches over a connection that belongs to the application, as the door does before: for heads that do not come to
/// their end, for peers that ask for nothing, and for those that do not take what they asked for.
///
/// It stands before the parser and sees bytes; `ApplicationRequests`, behind the parser, tells it what
/// they were.
final class ApplicationWatch: Supervised, ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let loop: WebLoop
    private var context: ChannelHandlerContext?
    /// Requests whose answers are not complete.
    private var open = 0
    private var isInRequest = false
    /// Bytes came after the last request that are no head yet.
    private var isInHead = false
    private var stall = StallWatch()
    /// When the peer is too slow; not kept while an answer is under way to a request that is all there.
    private var deadline: NIODeadline?

    init(loop: WebLoop) { self.loop = loop }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        rest(from: loop.eventLoop.now)
        loop.supervise(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        loop.release(self)
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let wasInRequest = isInRequest
        let known = open
        context.fireChannelRead(data)
        // What came behind the end of a request is taken for a head when more of it comes.
        if !isInRequest, !wasInRequest, open == known { beginHead() }
        if isInRequest { rest(from: loop.eventLoop.now) }
    }

    /// A request's head is there.
    func headReceived() {
        open += 1
        isInRequest = true
        isInHead = false
    }

    /// A request is all there.
    func requestReceived() {
        isInRequest = false
        rest(from: loop.eventLoop.now)
    }

    /// An answer is written to its end.
    func answered() {
        open = max(0, open - 1)
        if open == 0 { rest(from: loop.eventLoop.now) }
    }

    override func tick(now: NIODeadline) {
        guard let context else { return }
        let waiting = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if stall.isStalled(pending: waiting, now: now, timeout: TimeAmount(loop.settings.stallTimeout)) {
            loop.observer.timedOut(.stalled)
            context.close(promise: nil)
        } else if waiting > 0, !isInHead {
            rest(from: now)  // What was answered last is still under way.
        } else if let deadline, now >= deadline {
            timeOut(context)
        }
    }

    private func beginHead() {
        guard !isInHead else { return }
        isInHead = true
        rest(from: loop.eventLoop.now)
    }

    /// Begins the time in which something has to come.
    private func rest(from now: NIODeadline) {
        let mayWait = isInRequest || open == 0
        deadline = mayWait ? now + TimeAmount(isInHead ? loop.settings.headTimeout : loop.settings.idleTimeout) : nil
    }

    private func timeOut(_ context: ChannelHandlerContext) {
        deadline = nil
        guard isInHead else {
            loop.observer.timedOut(.idle)
            return context.close(promise: nil)
        }
        loop.observer.refused(.slowHead)
        let head = AnswerHead(status: RequestRefusal.slowHead.status, cacheControl: "no-store", isShared: false)
        loop.scratch.clear()
        AnswerWriter.write(
            status: head.status, lines: head.lines, dateLine: loop.dateLine, contentRange: nil, framing: .length(0),
            persistence: .closes, into: &loop.scratch)
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        context.writeAndFlush(wrapOutboundOut(loop.scratch), promise: sent)
    }
}

/// Tells an `ApplicationWatch` where requests and answers begin and end, and ends the connection behind an answer that
/// says so, which Hummingbird does only where the request did.
final class ApplicationRequests: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let watch: ApplicationWatch
    private var isLast = false

    init(watch: ApplicationWatch) { self.watch = watch }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: watch.headReceived()
        case .body: break
        case .end: watch.requestReceived()
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(let head): isLast = head.headerFields[.connection] == "close"
        case .body: break
        case .end:
            watch.answered()
            if isLast { return end(context, data, promise) }
        }
        context.write(data, promise: promise)
    }

    /// Closes our side behind the last bytes; the peer closes its own, or is idle.
    private func end(_ context: ChannelHandlerContext, _ data: NIOAny, _ promise: EventLoopPromise<Void>?) {
        let sent = promise ?? context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { _ in context.close(mode: .output, promise: nil) }
        context.write(data, promise: sent)
    }
}
