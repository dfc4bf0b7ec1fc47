// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity

/// A session that has subscribers at other nodes, or had.
struct BranchedSession: Sendable {
    private(set) var subscribers: [Endpoint: BranchedSubscriber] = [:]
    var branches: [NodeID: Branch] = [:]
    /// Nodes that are not asked until then.
    var resting: [NodeID: Duration] = [:]
    /// What branches that are gone had sent.
    private var past = BranchTally.zero

    /// A node that sends for this one.
    struct Branch: Sendable {
        var subscribers = 0
        var tally = BranchTally.zero
    }

    /// What all branches have sent.
    var sent: BranchTally { branches.values.reduce(past) { $0 + $1.tally } }

    mutating func insert(_ subscriber: BranchedSubscriber, at endpoint: Endpoint) {
        subscribers[endpoint] = subscriber
        branches[subscriber.node, default: Branch()].subscribers += 1
    }

    mutating func settle(_ subscriber: BranchedSubscriber, at endpoint: Endpoint) { subscribers[endpoint] = subscriber }

    @discardableResult
    mutating func remove(_ endpoint: Endpoint) -> BranchedSubscriber? {
        guard let subscriber = subscribers.removeValue(forKey: endpoint) else { return nil }
        branches[subscriber.node]?.subscribers -= 1
        return subscriber
    }

    /// Takes out a branch and gives those who were there, in the order of their addresses; nil where there is none.
    mutating func lose(_ node: NodeID) -> [(Endpoint, BranchedSubscriber)]? {
        guard let branch = branches.removeValue(forKey: node) else { return nil }
        past = past + branch.tally
        let orphans = subscribers.filter { $0.value.node == node }
        for endpoint in orphans.keys { subscribers[endpoint] = nil }
        return orphans.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Takes out a branch that nobody is at. Returns whether it was one.
    mutating func endIfEmpty(_ node: NodeID) -> Bool {
        guard let branch = branches[node], branch.subscribers == 0 else { return false }
        branches[node] = nil
        past = past + branch.tally
        return true
    }
}

/// A subscriber that another node sends to.
struct BranchedSubscriber: Sendable {
    let node: NodeID
    /// Whether the node has said that it does.
    var isAttached = false
    /// Whether another node sent to it before, and this one does not yet.
    var isMoving = false
    /// Who waits for that.
    var calls: [PlacementCall] = []
    /// Nodes that did not take it.
    var tried: Set<NodeID> = []
}

/// What a branch has sent.
public struct BranchTally: Hashable, Sendable {
    /// Packets, all subscribers' together.
    public var packets: Int
    /// Their bytes.
    public var bytes: Int

    /// Nothing.
    public static let zero = BranchTally(packets: 0, bytes: 0)

    /// A tally of its parts.
    public init(packets: Int, bytes: Int) {
        self.packets = packets
        self.bytes = bytes
    }

    static func + (left: BranchTally, right: BranchTally) -> BranchTally {
        BranchTally(packets: left.packets &+ right.packets, bytes: left.bytes &+ right.bytes)
    }
}
