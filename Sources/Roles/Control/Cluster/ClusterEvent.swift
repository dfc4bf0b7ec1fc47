// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity
public import Media

/// Something that changed in what a node believes of its cluster.
public struct ClusterEvent: Hashable, Sendable {
    /// Counts from 1 in one life of the node that tells it; other nodes number the same change otherwise.
    public let number: UInt64
    /// When that node heard of it.
    public let time: WallTime
    /// What changed.
    public let change: Change

    /// An event of its parts.
    public init(number: UInt64, time: WallTime, change: Change) {
        self.number = number
        self.time = time
        self.change = change
    }

    /// What changed.
    public enum Change: Hashable, Sendable {
        /// A member is new, or is believed to be otherwise than before.
        case member(NodeID, MemberHealth, isDraining: Bool)
        /// A stream began, changed its state, or moved to another gateway.
        case stream(StreamID, StreamState, gateway: NodeID)
    }
}
