// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

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
    /// Whether the stream is known to be over: who has some of it gets its end there, and nobody begins with it.
    public var isOver: Bool
    /// The version of the view of the cluster that this was decided over.
    public var view: UInt64

    /// Parents of their parts.
    public init(candidates: [RelayParent], term: Term? = nil, isOver: Bool = false, view: UInt64 = 0) {
        self.candidates = candidates
        self.term = term
        self.isOver = isOver
        self.view = view
    }
}

/// Decides where a stream is to be taken from. Called on event loops: it must not block.
public protocol ParentFinder: Sendable {
    /// The parents of a stream; nil where nobody is known to publish it or to have published it.
    func parents(of stream: StreamID) -> RelayParents?
}
