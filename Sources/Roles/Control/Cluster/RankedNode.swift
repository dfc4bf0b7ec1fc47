// SPDX-License-Identifier: Apache-2.0

public import Identity

/// A node in the ranking of one stream. Its place is where it stands in the list.
public struct RankedNode: Hashable, Sendable {
    /// The node; its other facts are the member's.
    public let node: NodeID
    /// Whether viewers of the stream are sent there now.
    public let isInEdgeSet: Bool
    /// Whether it holds the stream already.
    public let isWarm: Bool

    /// A place of its parts.
    public init(_ node: NodeID, isInEdgeSet: Bool, isWarm: Bool) {
        self.node = node
        self.isInEdgeSet = isInEdgeSet
        self.isWarm = isWarm
    }
}
