// SPDX-License-Identifier: Apache-2.0

public import Cluster

/// A way to a remote party: the address that its packets come from, over UDP or over a connection of TCP.
public struct ICEPath: Hashable, Sendable, CustomStringConvertible {
    /// What carries the packets.
    public let transport: ICETransport
    /// Where the remote party is, as our socket sees it.
    public let remote: Endpoint

    /// A path of its parts.
    public init(transport: ICETransport = .udp, remote: Endpoint) {
        self.transport = transport
        self.remote = remote
    }

    /// `udp 192.0.2.1:5000`.
    public var description: String { "\(transport.rawValue) \(remote)" }
}

/// What carries the packets of a path.
public enum ICETransport: String, Hashable, Sendable, CaseIterable {
    /// Packets in frames over a connection that the remote party opened (RFC 6544, RFC 4571).
    case tcp
    /// Datagrams.
    case udp
}
