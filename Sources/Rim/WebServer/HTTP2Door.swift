// SPDX-License-Identifier: Apache-2.0

import Bytes
import NIOCore
import NIOHPACK
import NIOHTTP2
import Transport

/// The first handler of an HTTP/2 stream: answers GET and HEAD of media, and hands all else to the application.
final class HTTP2Door: MediaExchange, ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let loop: WebLoop
    private let peer: PeerAddress
    private let connection: HTTP2Connection
    private var context: ChannelHandlerContext?
    private var conditions = RequestConditions()
    private var isOpen = false
    private var isStreaming = false
    private var isDecided = false
    /// Bytes of a stream that the peer has not taken yet, for the watch over its speed.
    private var pending = 0
    private var stall = StallWatch()

    init(loop: WebLoop, peer: PeerAddress, connection: HTTP2Connection) {
        self.loop = loop
        self.peer = peer
        self.connection = connection
        super.init(eventLoop: loop.eventLoop)
    }

    // MARK: What the responder says

    override func endConnection() { connection.end() }

    override func send(_ answer: MediaAnswer) {
        guard let context, isOpen else { return }
        switch conditions.outcome(for: answer) {
        case .whole: write(answer.head.status, answer.head.fields, answer, 0..<answer.length, to: context)
        case .partial(let range):
            let field = ("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(answer.length)")
            write(206, answer.head.fields + [field], answer, range, to: context)
        case .notModified: writeHead(304, answer.head.validatingFields, ends: true, to: context)
        case .unsatisfiable:
            let field = ("Content-Range", "bytes */\(answer.length)")
            writeHead(416, AnswerHead.unsatisfiable.fields + [field], length: 0, ends: true, to: context)
        }
        context.flush()
        isOpen = false
    }

    override func beginStream(_ head: AnswerHead) -> Bool {
        guard let context, isOpen else { return false }
        precondition(!isStreaming && head.status == 200, "a stream in a stream, or of status \(head.status)")
        writeHead(head.status, head.fields, ends: conditions.isHead, to: context)
        context.flush()
        isOpen = !conditions.isHead
        isStreaming = isOpen
        return isOpen
    }

    override func write(_ bytes: ByteBuffer) {
        guard let context, isStreaming else { return }
        loop.observer.streamed(bytes.readableBytes)
        writeData(bytes, ends: false, to: context)
    }

    override func flush() {
        guard isStreaming else { return }
        context?.flush()
    }

    override func endStream() {
        guard let context, isStreaming else { return }
        isStreaming = false
        isOpen = false
        writeData(ByteBuffer(), ends: true, to: context)
        context.flush()
        loop.observer.answered(status: 200, bytes: 0, version: .http2)
    }

    override func abort() {
        guard let context, isOpen else { return }
        reset(context)
    }

    override var isWritable: Bool { context?.channel.isWritable ?? false }

    // MARK: What the stream says

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.supervise(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        loop.release(self)
        leave()
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDecided, case .headers(let frame) = unwrapInboundIn(data) else { return }
        isDecided = true
        do throws(RequestRefusal) {
            try take(frame, context)
        } catch {
            refuse(error, context)
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if isStreaming, context.channel.isWritable { loop.responder.writable(self) }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        leave()
        context.close(promise: nil)
    }

    override func tick(now: NIODeadline) {
        guard let context else { return }
        if stall.isStalled(pending: pending, now: now, timeout: TimeAmount(loop.settings.stallTimeout)) {
            loop.observer.timedOut(.stalled)
            reset(context)
        }
    }

    // MARK: Requests

    private func take(_ frame: InboundIn.Headers, _ context: ChannelHandlerContext) throws(RequestRefusal) {
        let headers = frame.headers
        guard headers.listSize <= loop.settings.maximumHead.bytes else { throw .headTooLarge }
        let method = headers.first(name: ":method") ?? ""
        guard ["GET", "HEAD", "OPTIONS"].contains(method), let path = headers.first(name: ":path"), path.hasPrefix("/"),
            loop.site.isMedia(ByteBuffer(string: path).readableBytesView)
        else { return handOver(frame, context) }
        let (head, text) = try RequestText.decode(
            method: method, path: path, authority: headers.first(name: ":authority"),
            fields: headers.lazy.filter { !$0.name.hasPrefix(":") }.map { (name: $0.name, value: $0.value) }
        )
        guard frame.endStream, !head.hasBody else { throw .unexpectedBody }
        guard !head.hasExpectation else { throw .unexpectedExpectation }
        isOpen = true
        guard head.method != .options else { return send(MediaAnswer(.preflight)) }
        let request = MediaRequest(head, in: text, peer: peer, isTLS: true)
        conditions = request.conditions
        loop.responder.respond(to: request, on: self)
    }

    private func handOver(_ frame: InboundIn.Headers, _ context: ChannelHandlerContext) {
        do {
            try ApplicationHandover(site: loop.site, loop: loop).takeOver(
                stream: context.channel, peer: peer, isTLS: true
            )
        } catch {
            return context.close(promise: nil)
        }
        loop.observer.handedOver(.http2)
        context.fireChannelRead(wrapInboundOut(.headers(frame)))
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    private func refuse(_ refusal: RequestRefusal, _ context: ChannelHandlerContext) {
        loop.observer.refused(refusal)
        let head = AnswerHead(status: refusal.status, cacheControl: "no-store", isShared: false)
        writeFields(head.status, head.fields, length: 0, ends: true, to: context)
        context.flush()
    }

    // MARK: Answers

    private func write(
        _ status: Int, _ fields: [AnswerHead.Field], _ answer: MediaAnswer, _ range: Range<Int>,
        to context: ChannelHandlerContext
    ) {
        let body = conditions.isHead ? 0..<0 : range
        writeFields(status, fields, length: status == 204 ? nil : range.count, ends: body.isEmpty, to: context)
        var left = body.count
        ByteBuffer.forEachPiece(of: answer.body, in: body) { piece in
            left -= piece.readableBytes
            writeData(piece, ends: left == 0, to: context)
        }
        loop.observer.answered(status: status, bytes: body.count, version: .http2)
    }

    private func writeHead(
        _ status: Int, _ fields: [AnswerHead.Field], length: Int? = nil, ends: Bool, to context: ChannelHandlerContext
    ) {
        writeFields(status, fields, length: length, ends: ends, to: context)
        if ends { loop.observer.answered(status: status, bytes: 0, version: .http2) }
    }

    private func writeFields(
        _ status: Int, _ fields: [AnswerHead.Field], length: Int?, ends: Bool, to context: ChannelHandlerContext
    ) {
        var headers = HPACKHeaders()
        headers.reserveCapacity(fields.count + 3)
        headers.add(name: ":status", value: String(status))
        headers.add(name: "date", value: HTTPDate.now.description)
        for field in fields { headers.add(name: field.name.lowercased(), value: field.value) }
        if let length { headers.add(name: "content-length", value: String(length)) }
        context.write(wrapOutboundOut(.headers(.init(headers: headers, endStream: ends))), promise: nil)
    }

    private func writeData(_ bytes: ByteBuffer, ends: Bool, to context: ChannelHandlerContext) {
        let count = bytes.readableBytes
        pending += count
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.pending -= count }
        context.write(wrapOutboundOut(.data(.init(data: .byteBuffer(bytes), endStream: ends))), promise: sent)
    }

    private func reset(_ context: ChannelHandlerContext) {
        leave()
        context.close(promise: nil)
    }

    private func leave() {
        guard isOpen else { return }
        isOpen = false
        isStreaming = false
        loop.observer.cancelled()
        loop.responder.cancelled(self)
    }
}

extension HPACKHeaders {
    /// What SETTINGS_MAX_HEADER_LIST_SIZE counts: names, values, and 32 for each field (RFC 9113 §6.5.2). NIOHTTP2 ends
    /// the connection over it, but only from when the peer has acknowledged the setting.
    fileprivate var listSize: Int { reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 32 } }
}
