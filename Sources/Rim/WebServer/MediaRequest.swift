// SPDX-License-Identifier: Apache-2.0

public import NIOCore
public import Transport

/// A GET or HEAD of media, as offsets into the bytes that came. It lasts for the call of `respond`: whoever answers later
/// keeps what it made of the request, not the request, which holds a read buffer.
public struct MediaRequest {
    /// The two methods of media.
    public enum Method: Sendable {
        /// GET.
        case get
        /// HEAD: the answer is sent without its body.
        case head
    }

    /// The method.
    public let method: Method
    /// Who asks.
    public let peer: PeerAddress
    /// Whether it came over TLS.
    public let isTLS: Bool
    private let bytes: ByteBuffer
    private let fields: RequestHead

    /// `bytes` begin where the offsets of `fields` count from.
    init(_ fields: RequestHead, in bytes: ByteBuffer, peer: PeerAddress, isTLS: Bool) {
        method = fields.method == .head ? .head : .get
        self.peer = peer
        self.isTLS = isTLS
        self.bytes = bytes
        self.fields = fields
    }

    /// Path and query in origin form, as they came: printable ASCII without blanks, `#`, quotes, `<`, `>` and backslash,
    /// beginning with `/`, percent-encoding untouched.
    public var target: ByteBufferView { fields.target.isEmpty ? Self.root : view(fields.target) }

    /// The target up to its `?`.
    public var path: ByteBufferView { target.prefix { $0 != UInt8(ascii: "?") } }

    /// What follows the `?` of the target; nil without one.
    public var query: ByteBufferView? {
        let target = target
        guard let mark = target.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        return target[(mark + 1)...]
    }

    /// Whether gzip is acceptable.
    public var acceptsGzip: Bool { fields.acceptsGzip }

    /// Whether a Forwarded, X-Forwarded-… or X-Real-IP field says that the peer speaks for somebody else.
    public var isForwarded: Bool { fields.isForwarded }

    /// The value of Authorization.
    public var authorization: ByteBufferView? { fields.authorization.map(view) }

    /// The value of Origin.
    public var origin: ByteBufferView? { fields.origin.map(view) }

    /// The value of User-Agent.
    public var userAgent: ByteBufferView? { fields.userAgent.map(view) }

    /// The value of X-Playback-Session-Id, by which Apple's players name one playback on all its connections.
    public var playbackSession: ByteBufferView? { fields.playbackSession.map(view) }

    /// The value of the last X-Forwarded-For: a list of addresses, of which the proxy that asks wrote the last.
    public var forwardedFor: ByteBufferView? { fields.forwardedFor.map(view) }

    /// The value of traceparent, in which a viewer, or a proxy, names the trace that the request is part of (W3C Trace
    /// Context §3.2).
    public var traceParent: ByteBufferView? { fields.traceParent.map(view) }

    /// The value of X-Millrace-Region, in which a proxy names the viewer's region.
    public var region: ByteBufferView? { fields.region.map(view) }

    /// All values of CDN-Loop (RFC 8586 §2), and what stands between them.
    public var loop: ByteBufferView? { fields.loop.map(view) }

    /// Feeds what tells one viewer from another: the peer's address, and its playback session or else its user agent.
    /// Viewers behind one address whose players are alike remain one.
    public func identify(into hasher: inout Hasher) {
        hasher.combine(peer)
        guard let field = fields.playbackSession ?? fields.userAgent else { return }
        bytes.withUnsafeReadableBytes { hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: $0[field])) }
    }

    var conditions: RequestConditions {
        RequestConditions(
            isHead: method == .head, range: fields.range,
            ifNoneMatch: fields.ifNoneMatch.map(copy), ifRange: fields.ifRange.map(copy)
        )
    }

    private func view(_ range: Range<Int>) -> ByteBufferView {
        let start = bytes.readerIndex
        return ByteBufferView(bytes)[start + range.lowerBound..<start + range.upperBound]
    }

    /// A copy, so that a waiting request holds these few bytes and not a read buffer.
    private func copy(_ range: Range<Int>) -> ByteBuffer { ByteBuffer(bytes: view(range)) }

    private static let root = ByteBuffer(string: "/").readableBytesView
}
