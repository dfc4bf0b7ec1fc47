// SPDX-License-Identifier: Apache-2.0

/// Which group of members a message belongs to. Both share a node's port; the envelope's tag tells them apart.
public enum GossipPool: Hashable, Sendable, CaseIterable {
    /// All nodes of one region.
    case region
    /// The ambassadors of all regions.
    case world
}

/// A TCP stream between two members, as the core and its shell call it. The shell keeps the stream until it is told to
/// close it, and says so when it fails.
public enum GossipStream: Hashable, Sendable {
    /// One that a peer opened; the shell numbers them.
    case accepted(UInt64)
    /// One that the core had opened by a directive.
    case opened(UInt64)
}
