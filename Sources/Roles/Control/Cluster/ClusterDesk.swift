// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// What the control API asks of its node's part in the cluster, and tells it to do. Any thread may call; none of these
/// but `drain` may block.
public protocol ClusterDesk: Sendable {
    /// What the node believes now. Members of other regions may be among the members, where it knows them.
    func view() -> ClusterView
    /// The newest load report of each node; empty where none come here, because this node is no router.
    func loads() -> [LoadReport]
    /// The nodes of this region that may serve a stream, best first. The stream need not be live.
    func ranking(of stream: StreamID) -> [RankedNode]
    /// Who takes a stream from whom, by directory and placement: each branch after the one it comes from, the gateway
    /// first. Empty where the directory has no such stream.
    func tree(of stream: StreamID) -> [TreeBranch]
    /// What has changed after the event of this number, oldest first; 0 for all that is remembered.
    func events(after number: UInt64) -> [ClusterEvent]
    /// Tells a node, this one or another, to take nothing new and to end when all that it has is handed over, at the
    /// latest after `deadline`. Returns when the node was told, not when it has ended.
    func drain(_ node: NodeID, within deadline: Duration) async -> DrainOutcome
    /// The keys that this node opens packets with, by id.
    func keys() -> [ClusterKeyStatus]
    /// Changes the keys of the whole cluster.
    func order(_ change: ClusterKeyChange) -> ClusterKeyOutcome
}
