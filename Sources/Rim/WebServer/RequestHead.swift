// SPDX-License-Identifier: Apache-2.0

/// The head of an HTTP/1 request as offsets into its bytes, so that reading one allocates nothing.
public struct RequestHead: Sendable, Equatable {
    /// The methods that the door tells apart.
    public enum Method: Sendable, Equatable {
        /// GET.
        case get
        /// HEAD.
        case head
        /// OPTIONS.
        case options
        /// Any other token.
        case other
    }

    /// The forms of a target, RFC 9112 §3.2.
    public enum Form: Sendable, Equatable {
        /// `http://host/path`; `target` is what follows the authority.
        case absolute
        /// `*`, for OPTIONS.
        case asterisk
        /// `host:port`, for CONNECT.
        case authority
        /// `/path`.
        case origin
    }

    /// The method.
    public var method = Method.other
    /// 0 or 1.
    public var minorVersion = 1
    /// The form in which the target came.
    public var form = Form.origin
    /// Where path and query are. Empty for a target in absolute form without a path, which means `/`.
    public var target = 0..<0
    /// Whether the connection goes on after the answer: RFC 9112 §9.3.
    public var keepsAlive = true
    /// Whether a body follows.
    public var hasBody = false
    /// Whether there is an Expect field.
    public var hasExpectation = false
    /// Whether a Forwarded, X-Forwarded-… or X-Real-IP field says that a proxy stands between.
    public var isForwarded = false
    /// Whether gzip is acceptable: RFC 9110 §12.5.3.
    public var acceptsGzip = false
    /// The range that is asked for, if it is one range of bytes.
    public var range: ByteRange?
    /// Where the value of If-None-Match is.
    public var ifNoneMatch: Range<Int>?
    /// Where the value of If-Range is.
    public var ifRange: Range<Int>?
    /// Where the value of Authorization is.
    public var authorization: Range<Int>?
    /// Where the value of Origin is.
    public var origin: Range<Int>?
    /// Where the value of User-Agent is.
    public var userAgent: Range<Int>?
    /// Where the value of X-Playback-Session-Id is.
    public var playbackSession: Range<Int>?
    /// Where the value of the last X-Forwarded-For is.
    public var forwardedFor: Range<Int>?
    /// Where the value of traceparent is.
    public var traceParent: Range<Int>?
    /// Where the value of X-Millrace-Region is.
    public var region: Range<Int>?
    /// Where the values of CDN-Loop are: from the beginning of the first to the end of the last.
    public var loop: Range<Int>?
    /// The length of the head, with the empty line at its end.
    public var length = 0

    /// An empty head.
    public init() {}
}
