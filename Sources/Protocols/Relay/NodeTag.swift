// SPDX-License-Identifier: Apache-2.0

import Cluster
public import Identity

/// A node's name in 32 bits, as lists of nodes on a path carry it. Two nodes of 1000 share one with a chance of 1 in
/// 8600; they then do not subscribe at one another.
public struct NodeTag: Hashable, Sendable {
    /// The bits.
    public let number: UInt32

    /// A tag as it travelled.
    public init(number: UInt32) { self.number = number }

    /// The tag of a node.
    public init(_ node: NodeID) { number = RankingKey(node).tag }

    /// What stands for a cluster's name in ``RelayHello``: FNV-1a in 32 bits.
    public static func hash(_ text: String) -> UInt32 {
        text.utf8.reduce(0x811C_9DC5) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
    }
}
