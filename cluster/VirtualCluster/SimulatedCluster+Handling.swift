// SPDX-License-Identifier: Apache-2.0

import Cluster
import Gossip
import Identity
import TestKit

/// The shell of virtual nodes: it feeds the core and obeys it.
extension SimulatedCluster {
    mutating func handle(_ event: VirtualEvent) {
        let node = event.node
        let local = now - nodes[node].lag
        switch event {
        case .datagram(let datagram, let pool, let from, _):
            nodes[node].core.receive(
                datagram, from: nodes[from].description.gossip, pool: pool, now: local, into: &directives)
        case .seeds(let pool, _, _):
            nodes[node].core.found(
                seeds: plan.seeds(of: node, pool: pool), pool: pool, now: local, using: &random, into: &directives)
        case .stream(let message, let stream, _):
            let name = streams[stream].opener == node ? streams[stream].openerName : .accepted(UInt64(stream))
            nodes[node].core.receive(
                message, on: name, pool: streams[stream].pool, now: local, into: &directives)
        case .wake:
            nodes[node].core.tick(now: local, using: &random, into: &directives)
        }
    }

    /// Obeys what the node wants done, and plans when it is woken.
    mutating func settle(_ node: Int) {
        var wanted = directives
        directives = []
        for directive in wanted { obey(directive, of: node) }
        wanted.removeAll(keepingCapacity: true)
        directives = wanted
        guard nodes[node].state == .up else { return }
        let deadline = max(now, Self.deadline(of: &nodes[node].core) + nodes[node].lag)
        guard deadline != nodes[node].wake || deadline == now else { return }
        nodes[node].wake = deadline
        queue.insert(.wake(node, life: nodes[node].life), at: deadline)
    }

    /// Read in place: as a value the whole core would be copied.
    private static func deadline(of core: inout ClusterCore) -> Duration { core.nextDeadline }

    private mutating func obey(_ directive: ClusterCore.Directive, of node: Int) {
        switch directive {
        case .changed(let member, let before): noteChange(of: member, before: before, seenBy: node)
        case .findSeeds(let pool):
            queue.insert(.seeds(pool: pool, to: node, life: nodes[node].life), at: now + .milliseconds(1))
        case .hasLeft: nodes[node].state = .down
        case .close, .keyOrder, .load, .region, .storeAnswered, .stream: break
        case .open(let name, let pool, let endpoint, let message):
            open(name, pool: pool, to: endpoint, message, from: node)
        case .report(let report, _): reports.append((node, report))
        case .send(let datagram, let pool, let endpoint): send(datagram, pool: pool, to: endpoint, from: node)
        case .write(let message, let name, let pool): write(message, on: name, pool: pool, from: node)
        }
    }

    private mutating func send(_ datagram: GossipDatagram, pool: GossipPool, to endpoint: Endpoint, from node: Int) {
        let size = datagram.sealedSize
        nodes[node].bytesSent += PathSize.datagram(size)
        for invariant in invariants {
            if let problem = invariant.onSend(datagram, size) { violate(invariant, problem) }
        }
        guard let to = addresses[endpoint] else { return }
        let (first, second) = nodes[node].link.send(bytes: size, now: now, using: &random)
        guard let first, !isCut(from: node, to: to) else { return }
        let far = regionDelay(from: node, to: to)
        let event = VirtualEvent.datagram(datagram, pool: pool, from: node, to: to)
        queue.insert(event, at: first + far)
        if let second { queue.insert(event, at: second + far) }
    }

    /// A connection to a node that is down or behind a cut gives nothing: a reset and a timeout are the same to the core.
    private mutating func open(
        _ name: GossipStream, pool: GossipPool, to endpoint: Endpoint, _ message: GossipStreamMessage, from node: Int
    ) {
        nodes[node].streamBytesSent += PathSize.opening(by: nodes[node].description.id)
        guard let to = addresses[endpoint], nodes[to].state != .down else { return }
        guard !isCut(from: node, to: to), !isCut(from: to, to: node) else { return }
        streams.append(
            VirtualStream(
                pool: pool, opener: node, acceptor: to, openerLife: nodes[node].life, acceptorLife: nodes[to].life,
                openerName: name))
        nodes[to].streamBytesSent += PathSize.accepting(by: nodes[to].description.id)
        let handshake = streamDelay(from: node, to: to) + streamDelay(from: to, to: node)
        carry(message, on: streams.count - 1, from: node, to: to, after: handshake)
    }

    private mutating func write(_ message: GossipStreamMessage, on name: GossipStream, pool: GossipPool, from node: Int)
    {
        let index: Int? =
            switch name {
            case .accepted(let number): Int(number)
            case .opened:
                streams.lastIndex { $0.opener == node && $0.openerName == name && $0.pool == pool }
            }
        guard let index else { return }
        let to = streams[index].opener == node ? streams[index].acceptor : streams[index].opener
        carry(message, on: index, from: node, to: to, after: .zero)
    }

    private mutating func carry(
        _ message: GossipStreamMessage, on stream: Int, from node: Int, to other: Int, after delay: Duration
    ) {
        nodes[node].streamBytesSent += PathSize.message(message)
        guard !isCut(from: node, to: other), !isCut(from: other, to: node) else { return }
        let arrival = now + delay + streamDelay(from: node, to: other)
        queue.insert(.stream(message, stream: stream, to: other), at: arrival)
    }

    /// TCP loses nothing: what the link drops is sent again after 200 ms, then 400 ms and so on.
    private mutating func streamDelay(from node: Int, to other: Int) -> Duration {
        var delay = nodes[node].link.delay(using: &random) + regionDelay(from: node, to: other)
        var again: Duration = .milliseconds(200)
        while plan.link.loss > 0, again < .seconds(5), LinkModel.chance(nodes[node].link.settings.loss, using: &random)
        {
            delay += again
            again *= 2
        }
        return delay
    }

    /// Whether a connection between two nodes carries anything.
    func reaches(_ node: Int, _ other: Int) -> Bool {
        nodes[other].state == .up && !isCut(from: node, to: other) && !isCut(from: other, to: node)
    }

    /// The node of a name.
    func number(of id: NodeID) -> Int? { numbers[id] }

    private func isCut(from node: Int, to other: Int) -> Bool {
        !cuts.isEmpty && cuts.contains(Cut(from: nodes[node].side, to: nodes[other].side))
    }

    private func regionDelay(from node: Int, to other: Int) -> Duration {
        plan.regions == 1 || node % plan.regions == other % plan.regions ? .zero : plan.regionDelay
    }
}
