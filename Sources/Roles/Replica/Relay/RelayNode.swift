// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Feed
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

/// A node at which others subscribe.
public struct RelayParent: Hashable, Sendable {
    /// The node.
    public let node: NodeID
    /// Where it listens.
    public let endpoint: Endpoint

    /// A parent of its parts.
    public init(node: NodeID, endpoint: Endpoint) {
        self.node = node
        self.endpoint = endpoint
    }
}

/// Where a stream is to be taken from.
public struct RelayParents: Hashable, Sendable {
    /// The parents, the best first; the second is held ready.
    public var candidates: [RelayParent]
    /// The highest term known of the stream.
    public var term: Term?
    /// The version of the view of the cluster that this was decided over.
    public var view: UInt64

    /// Parents of their parts.
    public init(candidates: [RelayParent], term: Term? = nil, view: UInt64 = 0) {
        self.candidates = candidates
        self.term = term
        self.view = view
    }
}

/// Decides where a stream is to be taken from. Called on event loops: it must not block.
public protocol ParentFinder: Sendable {
    /// The parents of a stream; nil where nobody is known to publish it.
    func parents(of stream: StreamID) -> RelayParents?
}

/// Decides who is served. Called on event loops: it must not block.
public protocol RelayDoorkeeper: Sendable {
    /// What becomes of a subscription by `node`.
    func verdict(on request: RelayRequest, by node: NodeID) -> RelayVerdict
    /// A standby holds more of a stream whose gateway this node is.
    func holder(_ node: NodeID, of stream: StreamID, said acknowledgement: RelayPublisherSession.Acknowledgement)
    /// A standby is lost.
    func lostHolder(_ node: NodeID, of stream: StreamID)
    /// What this node holds of a stream, from which on it refuses terms lower than `term`.
    func answer(_ stream: StreamID, term: Term) -> TermAnswer
}

/// What becomes of a subscription.
public enum RelayVerdict: Hashable, Sendable {
    /// It is served.
    case accept
    /// Another node serves it.
    case redirect(RelayParent)
    /// It is not served.
    case refuse(RelayRefusal)
}
