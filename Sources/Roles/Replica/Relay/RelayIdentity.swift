// SPDX-License-Identifier: Apache-2.0

public import Identity
public import NIOCore
public import Relay

/// Who a node is on the relay, and how its connections are secured.
public struct RelayIdentity: Sendable {
    /// What the node says of itself first.
    public let hello: RelayHello
    /// The node's place in lists of nodes on a path.
    public let tag: NodeTag
    /// The limits and times.
    public let settings: RelaySettings
    /// Puts security into the pipeline of a connection before anything else: with the node that is called, or nil on a
    /// connection that came. Throws where it can not; the connection is closed then.
    public let secure: @Sendable (any Channel, NodeID?) throws -> Void

    /// An identity of its parts.
    /// - Parameters:
    ///   - cluster: the cluster's name.
    ///   - incarnation: Unix milliseconds at boot.
    public init(
        node: NodeID, cluster: String, incarnation: UInt64, settings: RelaySettings,
        secure: @escaping @Sendable (any Channel, NodeID?) throws -> Void
    ) {
        hello = RelayHello(cluster: NodeTag.hash(cluster), node: node, incarnation: incarnation)
        tag = NodeTag(node)
        self.settings = settings
        self.secure = secure
    }
}
