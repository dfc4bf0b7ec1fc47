// SPDX-License-Identifier: Apache-2.0

/// Who counts what happens to requests. Called on event loops, for every request: it must not block.
public protocol WebObserver: Sendable {
    /// A request for media was answered. `bytes` is the body's length, without what ``streamed(_:)`` told of.
    func answered(status: Int, bytes: Int, version: HTTPVersion)
    /// So many bytes of an answer that has no length are on their way: it may never end.
    func streamed(_ bytes: Int)
    /// A request was refused unread.
    func refused(_ refusal: RequestRefusal)
    /// A peer went away, or was sent away, with a request open.
    func cancelled()
    /// A connection was closed for being too slow.
    func timedOut(_ timeout: WebTimeout)
    /// A connection, or a stream of HTTP/2, went over to the application.
    func handedOver(_ version: HTTPVersion)
}

/// The versions that are spoken.
public enum HTTPVersion: Sendable, Hashable, CaseIterable {
    /// HTTP/1.0 and HTTP/1.1.
    case http1
    /// HTTP/2.
    case http2
}

/// Why a connection was closed for time. A head that is too slow is a refusal.
public enum WebTimeout: Sendable, Hashable, CaseIterable {
    /// No request came.
    case idle
    /// The peer took nothing of what was sent to it.
    case stalled
}
