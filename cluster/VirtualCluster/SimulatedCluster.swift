// SPDX-License-Identifier: Apache-2.0

import Cluster
public import Gossip
import Identity
import TestKit

/// Nodes that run the real gossip core on modelled links, in time that passes as fast as it can be computed. The same plan
/// and seed give the same events, one by one; `hash` is that of all of them.
///
/// A scenario starts, breaks and mends nodes and links between calls of `run`. Invariants are checked at every event.
public struct SimulatedCluster {
    /// What it is made of.
    public let plan: VirtualPlan
    /// What chance began with.
    public let seed: UInt64
    /// All nodes, by number.
    public internal(set) var nodes: [VirtualNode]
    /// Virtual time since the beginning.
    public internal(set) var now: Duration = .zero
    /// How many events were handled.
    public internal(set) var events = 0
    /// FNV-1a over all events.
    public internal(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    /// What was seen of deaths.
    public var record = DeathRecord()
    /// Which invariants were broken, and how.
    public internal(set) var violations: [String] = []
    /// What every node reported, when a scenario wants to see it.
    public internal(set) var reports: [(node: Int, report: GossipReport)] = []
    /// Called with a line for every event, to print.
    public var trace: ((String) -> Void)?

    let invariants: [Invariant]
    var random: SeededRandom
    var queue = EventQueue<VirtualEvent>()
    var streams: [VirtualStream] = []
    /// Whether what is sent from one side to another is swallowed.
    var cuts: Set<Cut> = []
    var numbers: [NodeID: Int] = [:]
    var addresses: [Endpoint: Int] = [:]
    var directives: [ClusterCore.Directive] = []

    /// A cluster of which no node runs yet.
    public init(_ plan: VirtualPlan, seed: UInt64, invariants: [Invariant] = Invariant.all) {
        self.plan = plan
        self.seed = seed
        self.invariants = invariants
        random = SeededRandom(seed: seed)
        nodes = (0..<plan.nodes).map { number in
            let description = plan.description(of: number)
            return VirtualNode(
                description: description,
                core: ClusterCore(description: description, boot: 0, settings: plan.settings, now: .zero),
                link: LinkModel(plan.link))
        }
        for number in nodes.indices {
            numbers[nodes[number].description.id] = number
            addresses[nodes[number].description.gossip] = number
        }
    }

    /// Handles all events of the next `duration`.
    public mutating func run(for duration: Duration) {
        let end = now + duration
        while let time = queue.nextTime, time <= end { step() }
        now = end
    }

    /// Handles events until `condition` holds, which is asked every 10 ms; how long that took, nil where it was not within
    /// `limit`.
    public mutating func run(
        until condition: (borrowing SimulatedCluster) -> Bool, within limit: Duration
    ) -> Duration? {
        let begin = now
        while now - begin <= limit {
            if condition(self) { return now - begin }
            run(for: .milliseconds(10))
        }
        return nil
    }

    /// Checks what must hold when all is quiet.
    public mutating func checkAtRest() {
        for invariant in invariants {
            for problem in invariant.atRest(self) { violate(invariant, problem) }
        }
    }

    /// Handles the next event.
    mutating func step() {
        guard let (time, event) = queue.removeFirst() else { return }
        now = time
        let node = event.node
        guard isCurrent(event) else { return }
        if nodes[node].state == .frozen {
            if case .wake = event { return }
            if nodes[node].held.count < Self.socketBuffer { nodes[node].held.append(event) }
            return
        }
        count(event)
        handle(event)
        settle(node)
    }

    mutating func violate(_ invariant: Invariant, _ problem: String) {
        guard violations.count < 20 else { return }
        violations.append("\(invariant.name) at \(now): \(problem)")
    }

    private mutating func count(_ event: VirtualEvent) {
        events += 1
        let words = [UInt64(truncatingIfNeeded: now.attoseconds / 1_000_000_000), UInt64(event.node), event.kind]
        for word in words { hash = (hash ^ word) &* 0x100_0000_01B3 }
        if let trace { trace("\(now) \(nodes[event.node].description.id) \(event)") }
    }

    /// Whether the life that an event was meant for still goes on.
    private func isCurrent(_ event: VirtualEvent) -> Bool {
        let number = event.node
        guard nodes[number].state != .down else { return false }
        switch event {
        case .datagram: return true
        case .seeds(_, _, let life): return nodes[number].life == life
        case .stream(_, let index, let to):
            let stream = streams[index]
            return nodes[number].life == (stream.opener == to ? stream.openerLife : stream.acceptorLife)
        case .wake(_, let life): return nodes[number].life == life && nodes[number].wake == now
        }
    }

    /// How many datagrams and messages wait for a stopped process.
    private static let socketBuffer = 256
}

/// What is swallowed: all from one side to another.
struct Cut: Hashable, Sendable {
    let from: Int
    let to: Int
}

extension Duration {
    static let never: Duration = .seconds(1 << 40)
}
