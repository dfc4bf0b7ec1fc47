// SPDX-License-Identifier: Apache-2.0

public import Identity

/// One node in the tree of a stream, and where it takes the stream from.
public struct TreeBranch: Hashable, Sendable {
    /// The node.
    public let node: NodeID
    /// Where it stands.
    public let region: Region
    /// What it is to this stream.
    public let part: Part
    /// Whom it takes the stream from; nil for the gateway, whose publisher is no node.
    public let parent: NodeID?

    /// A branch of its parts.
    public init(_ node: NodeID, in region: Region, as part: Part, from parent: NodeID?) {
        self.node = node
        self.region = region
        self.part = part
        self.parent = parent
    }

    /// What a node is to a stream.
    public enum Part: String, Hashable, Sendable, CaseIterable {
        /// It serves viewers.
        case edge
        /// The origin that the publisher landed on.
        case gateway
        /// The edges of its region take the stream from it.
        case shield
        /// The origin that holds the feed beside the gateway.
        case standby
    }
}
