// SPDX-License-Identifier: Apache-2.0

import Bytes
import HTTPTypes
import HummingbirdCore
import NIOCore

/// An exchange whose answer goes to a task of the application.
final class BridgedExchange: MediaExchange {
    typealias Reply = CheckedContinuation<(HTTPResponse, ResponseBody), Never>

    private let loop: WebLoop
    /// There until the head of the answer is given.
    private var reply: Reply?
    private var conditions = RequestConditions()
    private var body: AsyncThrowingStream<ByteBuffer, any Error>.Continuation?
    private var isOver = false
    private var isLast = false
    private var pending = 0
    private var wasFull = false

    init(loop: WebLoop, reply: Reply) {
        self.loop = loop
        self.reply = reply
        super.init(eventLoop: loop.eventLoop)
    }

    func begin(_ request: MediaRequest) {
        conditions = request.conditions
        loop.responder.respond(to: request, on: self)
    }

    func refuse(_ refusal: RequestRefusal) {
        let head = AnswerHead(status: refusal.status, cacheControl: "no-store", isShared: false)
        answer(head.status, head.fields, length: 0, body: ResponseBody())
    }

    func peerLeft() {
        guard !isOver else { return }
        isOver = true
        body?.finish(throwing: ChannelError.eof)
        reply?.resume(returning: (HTTPResponse(status: .serviceUnavailable), ResponseBody()))
        reply = nil
        loop.observer.cancelled()
        loop.responder.cancelled(self)
    }

    /// ``ApplicationRequests`` sees the field, and closes.
    override func endConnection() { isLast = true }

    override func send(_ whole: MediaAnswer) {
        guard !isOver else { return }
        precondition(reply != nil, "an answer without a request")
        let head = whole.head
        switch conditions.outcome(for: whole) {
        case .whole: give(head.status, head.fields, whole, 0..<whole.length)
        case .partial(let range):
            let field = ("Content-Range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(whole.length)")
            give(206, head.fields + [field], whole, range)
        case .notModified: answer(304, head.validatingFields, length: nil, body: ResponseBody())
        case .unsatisfiable:
            let field = ("Content-Range", "bytes */\(whole.length)")
            answer(416, AnswerHead.unsatisfiable.fields + [field], length: 0, body: ResponseBody())
        }
    }

    override func beginStream(_ head: AnswerHead) -> Bool {
        guard !isOver else { return false }
        precondition(reply != nil && head.status == 200, "a stream without a request, or of status \(head.status)")
        guard !conditions.isHead else {
            answer(head.status, head.fields, length: nil, body: ResponseBody())
            return false
        }
        let (pieces, continuation) = AsyncThrowingStream.makeStream(of: ByteBuffer.self)
        body = continuation
        let exchange = NIOLoopBound(self, eventLoop: eventLoop)
        let stream = ResponseBody { writer in
            do {
                for try await piece in pieces {
                    try await writer.write(piece)
                    exchange.eventLoop.execute { exchange.value.left(piece.readableBytes) }
                }
                try await writer.finish(nil)
            } catch {
                exchange.eventLoop.execute { exchange.value.peerLeft() }
                throw error
            }
        }
        reply?.resume(
            returning: (HTTPResponse(status: .init(code: head.status), headerFields: fields(head.fields)), stream))
        reply = nil
        return true
    }

    override func write(_ bytes: ByteBuffer) {
        guard !isOver else { return }
        pending += bytes.readableBytes
        loop.observer.streamed(bytes.readableBytes)
        wasFull = wasFull || !isWritable
        body?.yield(bytes)
    }

    /// The task writes each piece out by itself.
    override func flush() {}

    override func endStream() {
        guard !isOver else { return }
        isOver = true
        body?.finish()
        loop.observer.answered(status: 200, bytes: 0, version: .http1)
    }

    override func abort() { peerLeft() }

    override var isWritable: Bool { !isOver && pending < loop.settings.writeHighWater.bytes }

    private func left(_ bytes: Int) {
        pending -= bytes
        guard wasFull, !isOver, pending <= loop.settings.writeHighWater.bytes / 2 else { return }
        wasFull = false
        loop.responder.writable(self)
    }

    private func give(_ status: Int, _ fields: [AnswerHead.Field], _ whole: MediaAnswer, _ range: Range<Int>) {
        var pieces: [ByteBuffer] = []
        if !conditions.isHead { ByteBuffer.forEachPiece(of: whole.body, in: range) { pieces.append($0) } }
        let body = pieces.isEmpty ? ResponseBody() : ResponseBody(contentsOf: pieces)
        answer(status, fields, length: status == 204 ? nil : range.count, body: body)
    }

    private func answer(_ status: Int, _ fields: [AnswerHead.Field], length: Int?, body: ResponseBody) {
        isOver = true
        var head = HTTPResponse(status: .init(code: status), headerFields: self.fields(fields))
        if let length { head.headerFields[.contentLength] = String(length) }
        loop.observer.answered(status: status, bytes: conditions.isHead ? 0 : length ?? 0, version: .http1)
        reply?.resume(returning: (head, body))
        reply = nil
    }

    private func fields(_ fields: [AnswerHead.Field]) -> HTTPFields {
        var result = HTTPFields()
        for field in fields {
            if let name = HTTPField.Name(field.name) { result.append(HTTPField(name: name, value: field.value)) }
        }
        if isLast { result[.connection] = "close" }
        return result
    }
}
