// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import NIOCore
public import Replica

/// What plain RTP needs of a node's cluster.
public struct FanoutCluster: Sendable {
    let peers: any FanoutPeers
    let identity: RelayIdentity
    let eventLoop: any EventLoop
    let metrics: RelayMetrics

    /// A cluster of its parts.
    /// - Parameters:
    ///   - identity: who this node is on the relay.
    ///   - eventLoop: what feeds the branches at other nodes.
    public init(
        peers: any FanoutPeers, identity: RelayIdentity, on eventLoop: any EventLoop, metrics: RelayMetrics
    ) {
        self.peers = peers
        self.identity = identity
        self.eventLoop = eventLoop
        self.metrics = metrics
    }
}

/// Chooses which other nodes help with a session. Any thread may ask.
public protocol FanoutPeers: Sendable {
    /// Whether this node is to carry nothing for others any more.
    var isLeaving: Bool { get }
    /// The other nodes of the edge set that is ranked for `key`, the first one first.
    func edges(of key: RankingKey) -> [RelayParent]
}
