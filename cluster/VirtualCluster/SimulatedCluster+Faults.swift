// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Gossip
import Identity
public import TestKit

/// What a scenario does to a cluster.
extension SimulatedCluster {
    /// Starts a node; again where it was down, with the same name, and a clock that went on.
    public mutating func start(_ node: Int) {
        precondition(nodes[node].state == .down, "node \(node) runs")
        nodes[node].state = .up
        nodes[node].life += 1
        nodes[node].lag = .zero
        nodes[node].held = []
        nodes[node].boot = Self.beginning + UInt64((now.attoseconds / 1_000_000_000_000_000))
        nodes[node].core = ClusterCore(
            description: nodes[node].description, boot: nodes[node].boot, settings: plan.settings, now: now)
        settle(node)
    }

    /// Starts all that are down.
    public mutating func startAll() {
        for node in nodes.indices where nodes[node].state == .down { start(node) }
    }

    /// Kills a node: no word, no more packets.
    public mutating func crash(_ node: Int) {
        record.crash(node, at: now, observers: observers(of: node))
        nodes[node].state = .down
        nodes[node].wake = .never
    }

    /// Has a node say good-bye.
    public mutating func leave(_ node: Int) {
        record.leave(node, at: now, observers: observers(of: node))
        nodes[node].core.leave(now: now - nodes[node].lag, into: &directives)
        settle(node)
    }

    /// Stops a node's process.
    public mutating func freeze(_ node: Int) {
        nodes[node].state = .frozen
        nodes[node].wake = .never
    }

    /// Lets a stopped process go on: first the timers that ended meanwhile, then what waits in its sockets, as an event
    /// loop does.
    /// - Parameter pause: how long its clock stood too, as that of a virtual machine may.
    public mutating func thaw(_ node: Int, clockStoodFor pause: Duration = .zero) {
        guard nodes[node].state == .frozen else { return }
        nodes[node].state = .up
        nodes[node].lag += pause
        nodes[node].core.tick(now: now - nodes[node].lag, using: &random, into: &directives)
        settle(node)
        let held = nodes[node].held
        nodes[node].held = []
        for event in held { queue.insert(event, at: now) }
    }

    /// Swallows all from nodes of one group to those of another, one way or both.
    public mutating func cut(from: [Int], to: [Int], bothWays: Bool = true) {
        for node in nodes.indices { nodes[node].side = 0 }
        for node in from { nodes[node].side = 1 }
        for node in to { nodes[node].side = 2 }
        cuts.insert(Cut(from: 1, to: 2))
        if bothWays { cuts.insert(Cut(from: 2, to: 1)) }
    }

    /// Cuts the nodes that no call of `cut` named off from all the others too.
    public mutating func cutOffTheRest() {
        for side in 1...2 { cuts.formUnion([Cut(from: 0, to: side), Cut(from: side, to: 0)]) }
    }

    /// Mends all links.
    public mutating func heal() { cuts = [] }

    /// Makes a node's way out another.
    public mutating func setLink(_ settings: LinkSettings, of node: Int) { nodes[node].link.settings = settings }

    /// Changes what a node says of itself; before its start, who it is.
    public mutating func describe(_ node: Int, _ change: (inout NodeDescription) -> Void) {
        change(&nodes[node].description)
        guard nodes[node].state == .up else { return }
        nodes[node].core.set(nodes[node].description, now: now - nodes[node].lag, into: &directives)
        settle(node)
    }

    /// Gives a node that does not run another's name.
    public mutating func rename(_ node: Int, as other: Int) {
        let own = nodes[node].description
        nodes[node].description = NodeDescription(
            id: nodes[other].description.id, roles: own.roles, region: own.region, zone: own.zone, gossip: own.gossip)
    }

    /// Has a node publish a stream's entry.
    public mutating func publish(_ entry: StreamEntry, at node: Int) {
        nodes[node].core.publish(entry, now: now - nodes[node].lag, into: &directives)
        settle(node)
    }

    /// The nodes that run, by number.
    public var running: [Int] { nodes.indices.filter { nodes[$0].state != .down } }

    /// Those who can learn of what becomes of a node: the others of its region.
    private func observers(of node: Int) -> Set<Int> {
        Set(running.filter { $0 != node && nodes[$0].description.region == nodes[node].description.region })
    }

    mutating func noteChange(of member: Member, before: Member?, seenBy observer: Int) {
        for invariant in invariants {
            if let problem = invariant.onChange(member, before) {
                violate(invariant, "\(nodes[observer].description.id) sees \(problem)")
            }
        }
        guard let subject = numbers[member.id], subject != observer else { return }
        let runs = nodes[subject].state != .down && member.incarnation >= nodes[subject].boot << 8
        record.note(member.health, of: subject, by: observer, runs: runs, at: now)
    }

    /// Unix milliseconds when virtual time begins: 2026-11-21T10:00:00Z.
    static let beginning: UInt64 = 1_795_255_200_000
}
