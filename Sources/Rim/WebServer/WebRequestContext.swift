// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
public import Logging
import NIOCore
public import Transport

/// What routes of the application know beside the request: who asks, and over what.
public struct WebRequestContext: RequestContext {
    /// Hummingbird's own part.
    public var coreContext: CoreRequestContextStorage
    /// The other end of the connection, which may be a proxy.
    public let peer: PeerAddress
    /// Whether the request came over TLS.
    public let isTLS: Bool

    /// Where a context comes from.
    public struct Source: RequestContextSource {
        /// The logger, with the request's id.
        public let logger: Logger
        /// The other end of the connection.
        public let peer: PeerAddress
        /// Whether the request came over TLS.
        public let isTLS: Bool

        /// Names the three.
        public init(logger: Logger, peer: PeerAddress, isTLS: Bool) {
            self.logger = logger
            self.peer = peer
            self.isTLS = isTLS
        }
    }

    /// Makes a context.
    public init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
        peer = source.peer
        isTLS = source.isTLS
    }
}
