// SPDX-License-Identifier: Apache-2.0

import Bytes
import NIOCore
import Transport

/// The first handler of an HTTP/1 connection. It answers GET and HEAD of media straight from the bytes, on the event
/// loop, and hands the connection to the application at the first head that is for somebody else.
///
/// One request is looked at at a time, so answers come in order. What is handed over are the very bytes of a head that
/// passed the same strict reading, so that door and application can not see different boundaries.
final class MediaDoor: MediaExchange, ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// Between requests, or within a head: bytes are looked at. To `waiting`, `lingering`, `gone`.
        case reading
        /// The responder has the exchange. To `reading`, `streaming`, `lingering`, `gone`.
        case waiting
        /// A body of unknown length is under way. To `reading`, `lingering`, `gone`.
        case streaming
        /// All is said; what still comes is thrown away until the peer closes. To `gone`.
        case lingering
        /// Closed, or handed over.
        case gone
    }

    private let loop: WebLoop
    private let peer: PeerAddress
    private let isTLS: Bool
    private var context: ChannelHandlerContext?
    private var state = State.reading
    private var pending = ByteBuffer()
    private var decoder: RequestHeadDecoder
    private var conditions = RequestConditions()
    private var keepsAlive = true
    private var minorVersion = 1
    private var isDraining = false
    private var isInHead = false
    private var isInRead = false
    private var isReadHeld = false
    private var stall = StallWatch()
    /// When the connection is too slow: with an idle peer, within a head, and while lingering.
    private var deadline: NIODeadline?

    init(loop: WebLoop, peer: PeerAddress, isTLS: Bool) {
        self.loop = loop
        self.peer = peer
        self.isTLS = isTLS
        decoder = RequestHeadDecoder(maximumLength: loop.settings.maximumHead.bytes)
        super.init(eventLoop: loop.eventLoop)
    }

    // MARK: What the responder says

    override func endConnection() { keepsAlive = false }

    override func send(_ answer: MediaAnswer) {
        guard let context, state != .gone, state != .lingering else { return }
        precondition(state == .waiting, "an answer without a request: \(state)")
        let outcome = conditions.outcome(for: answer)
        switch outcome {
        case .whole: write(answer.head, of: answer, in: 0..<answer.length, status: answer.head.status, to: context)
        case .partial(let range): write(answer.head, of: answer, in: range, status: 206, to: context)
        case .notModified: writeBodyless(304, answer.head.validatingLines, nil, to: context)
        case .unsatisfiable:
            writeBodyless(416, AnswerHead.unsatisfiable.lines, (nil, answer.length), to: context)
        }
        finish(context)
    }

    override func beginStream(_ head: AnswerHead) -> Bool {
        guard let context, state != .gone, state != .lingering else { return false }
        precondition(state == .waiting && head.status == 200, "a stream without a request: \(state) \(head.status)")
        if minorVersion == 0 { keepsAlive = false }
        writeHead(head.status, head.lines, framing: minorVersion == 0 ? .untilClose : .chunked, to: context)
        if conditions.isHead {
            loop.observer.answered(status: head.status, bytes: 0, version: .http1)
            finish(context)
            return false
        }
        state = .streaming
        flush(context)
        return true
    }

    override func write(_ bytes: ByteBuffer) {
        guard let context, state == .streaming, bytes.readableBytes > 0 else { return }
        loop.observer.streamed(bytes.readableBytes)
        if minorVersion == 0 {
            context.write(wrapOutboundOut(bytes), promise: nil)
        } else {
            loop.scratch.clear()
            loop.scratch.writeChunkLine(bytes.readableBytes)
            context.write(wrapOutboundOut(loop.scratch), promise: nil)
            context.write(wrapOutboundOut(bytes), promise: nil)
            context.write(wrapOutboundOut(Self.lineEnd), promise: nil)
        }
    }

    override func flush() {
        guard let context, state == .streaming else { return }
        flush(context)
    }

    override func endStream() {
        guard let context, state == .streaming else { return }
        if minorVersion > 0 { context.write(wrapOutboundOut(Self.lastChunk), promise: nil) }
        loop.observer.answered(status: 200, bytes: 0, version: .http1)
        finish(context)
    }

    override func abort() {
        guard let context, state == .waiting || state == .streaming else { return }
        close(context)
    }

    override var isWritable: Bool { context?.channel.isWritable ?? false }

    // MARK: What the connection says

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        rest(from: eventLoop.now)
        loop.supervise(self)
        if loop.isStopping { linger(context) }  // The handshake was under way when the others were told.
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        loop.release(self)
        leave()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard state != .lingering, state != .gone else { return }
        isInRead = true
        var bytes = unwrapInboundIn(data)
        if pending.readableBytes == 0 { pending = bytes } else { pending.writeBuffer(&bytes) }
        drain(context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isInRead = false
        context.flush()
    }

    func read(context: ChannelHandlerContext) {
        isReadHeld = state != .lingering && pending.readableBytes >= loop.settings.maximumPipelined.bytes
        if !isReadHeld { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        if state == .streaming { loop.responder.writable(self) }
        drain(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close(context) }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent where state == .reading && pending.readableBytes == 0: linger(context)
        case is ChannelShouldQuiesceEvent: keepsAlive = false
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    override func tick(now: NIODeadline) {
        guard let context, state != .gone else { return }
        let waiting = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        if stall.isStalled(pending: waiting, now: now, timeout: TimeAmount(loop.settings.stallTimeout)) {
            loop.observer.timedOut(.stalled)
            close(context)
        } else if waiting > 0, !isInHead {
            rest(from: now)  // What was answered last is still under way.
        } else if let deadline, now >= deadline {
            timeOut(context)
        }
    }

    // MARK: Requests

    /// Looks at what has come, one request after the other, until bytes, the responder or the peer have to be waited for.
    private func drain(_ context: ChannelHandlerContext) {
        guard !isDraining else { return }
        isDraining = true
        while state == .reading, pending.readableBytes > 0, context.channel.isWritable, takeRequest(context) {}
        isDraining = false
        if pending.readableBytes == 0 { pending = Self.nothing }
        if isReadHeld, state != .gone { read(context: context) }
    }

    /// Takes one request; false if its head is not all there.
    private func takeRequest(_ context: ChannelHandlerContext) -> Bool {
        do throws(RequestRefusal) {
            guard let head = try decoder.decode(pending.readableBytesUInt8Span) else {
                if !isInHead { deadline = eventLoop.now + TimeAmount(loop.settings.headTimeout) }
                isInHead = true
                return false
            }
            isInHead = false
            deadline = nil
            decoder = RequestHeadDecoder(maximumLength: loop.settings.maximumHead.bytes)
            try take(head, context)
        } catch {
            refuse(error, context)
        }
        return true
    }

    private func take(_ head: RequestHead, _ context: ChannelHandlerContext) throws(RequestRefusal) {
        let request = MediaRequest(head, in: pending, peer: peer, isTLS: isTLS)
        guard head.form == .origin || head.form == .absolute, head.method != .other, loop.site.isMedia(request.target)
        else { return handOver(context) }
        guard !head.hasBody else { throw .unexpectedBody }
        guard !head.hasExpectation else { throw .unexpectedExpectation }
        keepsAlive = head.keepsAlive && !loop.isStopping
        minorVersion = head.minorVersion
        state = .waiting
        pending.moveReaderIndex(forwardBy: head.length)
        if head.method == .options {
            conditions = RequestConditions()
            send(MediaAnswer(.preflight))
        } else {
            conditions = request.conditions
            tag = 0
            loop.responder.respond(to: request, on: self)
        }
    }

    /// Gives the connection, and all bytes not yet answered, to the application.
    private func handOver(_ context: ChannelHandlerContext) {
        state = .gone
        let bytes = pending
        pending = Self.nothing
        context.flush()
        do {
            try ApplicationHandover(site: loop.site, loop: loop).takeOver(context.channel, peer: peer, isTLS: isTLS)
        } catch {
            return context.close(promise: nil)
        }
        loop.observer.handedOver(.http1)
        context.fireChannelRead(wrapInboundOut(bytes))
        context.fireChannelReadComplete()
        if isReadHeld { context.read() }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    private func refuse(_ refusal: RequestRefusal, _ context: ChannelHandlerContext) {
        loop.observer.refused(refusal)
        keepsAlive = false
        conditions = RequestConditions()
        minorVersion = 1
        state = .waiting
        let reason = ByteBuffer(string: StatusLines.reason(refusal.status) + "\n")
        let head = AnswerHead(
            status: refusal.status, contentType: "text/plain", cacheControl: "no-store", isShared: false)
        write(head, of: MediaAnswer(head, body: [reason]), in: 0..<reason.readableBytes, status: nil, to: context)
        finish(context)
    }

    private func timeOut(_ context: ChannelHandlerContext) {
        switch state {
        case .reading where isInHead: refuse(.slowHead, context)
        case .reading:
            loop.observer.timedOut(.idle)
            close(context)
        case .lingering: close(context)
        case .waiting, .streaming, .gone: deadline = nil
        }
    }

    // MARK: Answers

    /// Writes head and body; counts them unless `status` is nil, which is for what was counted as refused.
    private func write(
        _ head: AnswerHead, of answer: MediaAnswer, in range: Range<Int>, status: Int?,
        to context: ChannelHandlerContext
    ) {
        let body = conditions.isHead ? 0..<0 : range
        let isCopied = body.count <= Self.copied
        let contentRange = status == 206 ? (Optional(range), answer.length) : nil
        loop.scratch.clear()
        AnswerWriter.write(
            status: status ?? head.status, lines: head.lines, dateLine: loop.dateLine, contentRange: contentRange,
            framing: head.status == 204 ? .none : .length(range.count), persistence: persistence, into: &loop.scratch
        )
        if isCopied {
            ByteBuffer.forEachPiece(of: answer.body, in: body) { loop.scratch.writeImmutableBuffer($0) }
        }
        context.write(wrapOutboundOut(loop.scratch), promise: nil)
        if !isCopied {
            ByteBuffer.forEachPiece(of: answer.body, in: body) { context.write(wrapOutboundOut($0), promise: nil) }
        }
        if let status { loop.observer.answered(status: status, bytes: body.count, version: .http1) }
    }

    private func writeBodyless(
        _ status: Int, _ lines: [UInt8], _ contentRange: (Range<Int>?, Int)?, to context: ChannelHandlerContext
    ) {
        let framing = status == 304 ? AnswerWriter.Framing.none : .length(0)
        writeHead(status, lines, contentRange: contentRange, framing: framing, to: context)
        loop.observer.answered(status: status, bytes: 0, version: .http1)
    }

    private func writeHead(
        _ status: Int, _ lines: [UInt8], contentRange: (Range<Int>?, Int)? = nil, framing: AnswerWriter.Framing,
        to context: ChannelHandlerContext
    ) {
        loop.scratch.clear()
        AnswerWriter.write(
            status: status, lines: lines, dateLine: loop.dateLine, contentRange: contentRange, framing: framing,
            persistence: persistence, into: &loop.scratch
        )
        context.write(wrapOutboundOut(loop.scratch), promise: nil)
    }

    private var persistence: AnswerWriter.Persistence {
        keepsAlive ? minorVersion == 0 ? .explicit : .implied : .closes
    }

    /// After the last byte of an answer: the next request, or the end.
    private func finish(_ context: ChannelHandlerContext) {
        guard keepsAlive else { return linger(context) }
        state = .reading
        rest(from: eventLoop.now)
        flush(context)
        drain(context)
    }

    /// Begins the time in which nothing has to happen.
    private func rest(from now: NIODeadline) {
        switch state {
        case .reading: deadline = now + TimeAmount(loop.settings.idleTimeout)
        case .lingering: deadline = now + .seconds(2)
        case .waiting, .streaming, .gone: deadline = nil
        }
    }

    private func flush(_ context: ChannelHandlerContext) { if !isInRead { context.flush() } }

    /// Closes our side, and the connection when the peer has closed its own or two seconds later: closing at once would
    /// reset it while bytes of the peer are unread, and the answer could be lost: RFC 9112 §9.6.
    private func linger(_ context: ChannelHandlerContext) {
        state = .lingering
        pending = Self.nothing
        rest(from: eventLoop.now)
        context.flush()
        context.close(mode: .output, promise: nil)
        if isReadHeld { read(context: context) }
    }

    private func close(_ context: ChannelHandlerContext) {
        leave()
        context.close(promise: nil)
    }

    private func leave() {
        let wasOpen = state == .waiting || state == .streaming
        state = .gone
        pending = Self.nothing
        guard wasOpen else { return }
        loop.observer.cancelled()
        loop.responder.cancelled(self)
    }

    private static let nothing = ByteBuffer()
    private static let lineEnd = ByteBuffer(string: "\r\n")
    private static let lastChunk = ByteBuffer(string: "0\r\n\r\n")
    /// Bodies up to this many bytes are copied behind their head.
    private static let copied = 2048
}
