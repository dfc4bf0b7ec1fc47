// SPDX-License-Identifier: Apache-2.0

/// How a node reaches other HTTP servers.
public struct OutboundSettings: Hashable, Sendable {
    /// The longest that a connection, with its TLS handshake, may take to be made.
    public var connectTimeout: Duration = .seconds(1)
    /// Connections to one host at a time; further requests wait for one. HTTP/2 carries many requests on each.
    public var connectionsPerHost = 32
    /// Connections that are kept open for further requests.
    public var idleConnections = 64
    /// A file of certificates in PEM that servers are verified against; nil for the system's.
    public var certificateFile: String?
    /// What stands in CDN-Loop of every request (RFC 8586 §2), of characters that a field may have; nil for no such field.
    public var loopToken: String?

    /// The defaults.
    public init() {}
}
