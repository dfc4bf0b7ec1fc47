// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// One request and its answer, over HTTP/1 or HTTP/2. Confined to its event loop.
///
/// It is the connection's or stream's own handler, so that a request costs no object. It belongs to the responder from
/// `respond` until the answer is complete (`send`, `endStream`, `abort`, a `beginStream` that returns false) or until
/// `cancelled`; afterwards the same object may serve another request, so let go of it.
public class MediaExchange: Supervised {
    /// Where all of this happens.
    public let eventLoop: any EventLoop
    /// For the responder: a number of its own, 0 when `respond` is called.
    public final var tag = 0
    /// The links of the one `WaitList` that it may be in.
    final var links = WaitList.Links()

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Has the connection end behind this answer, so that its peer, or the balancer between, chooses anew where to ask:
    /// `Connection: close` (RFC 9112 §9.6); with HTTP/2 GOAWAY, behind the streams that are open (RFC 9113 §6.8). To be
    /// said before the answer begins.
    public func endConnection() { preconditionFailure("abstract") }

    /// Sends the whole answer. Ignored if the peer is gone.
    public func send(_ answer: MediaAnswer) { preconditionFailure("abstract") }

    /// Sends the head, of status 200, of an answer whose length is not known. Returns whether a body is wanted: not for HEAD, nor if the
    /// peer is gone, and the exchange is then over.
    public func beginStream(_ head: AnswerHead) -> Bool { preconditionFailure("abstract") }

    /// Adds to the body; `flush` sends it. Check `isWritable` first: what is written is kept until it is sent.
    public func write(_ bytes: ByteBuffer) { preconditionFailure("abstract") }

    /// Sends what was written of the body. Where that makes room, `writable` may be told from within.
    public func flush() { preconditionFailure("abstract") }

    /// Ends the body in good order.
    public func endStream() { preconditionFailure("abstract") }

    /// Ends the exchange at once, and with it the connection or the HTTP/2 stream, so that the peer sees a failure.
    public func abort() { preconditionFailure("abstract") }

    /// Whether the peer keeps up: false from the high-water mark on until the low one. `writable` tells of the change.
    public var isWritable: Bool { preconditionFailure("abstract") }
}
