// SPDX-License-Identifier: Apache-2.0

import Identity
import Relay
import TestKit

/// Connections between nodes, as TCP has them: in order and whole, or not at all. What can not go its way waits for it. An
/// end whose other end is gone hears of it when that one's machine can say so, and never where there is no machine.
extension FailoverWorld {
    /// Sends a message on a connection.
    func write(_ message: RelayMessage, on number: Int, upwards: Bool) {
        guard var wire = wires[number], wire.gone.isEmpty else { return }
        defer { wires[number] = wire }
        let (from, to) = upwards ? (wire.child, wire.parent) : (wire.parent, wire.child)
        let isAnswered = reaches(to, from)
        wire.unanswered = isAnswered ? 0 : wire.unanswered + 1
        guard reaches(from, to), wire.unanswered <= Self.window, !wire.held.contains(where: { $0.upwards == upwards })
        else { return wire.held.append((message, upwards)) }
        deliver(message, on: &wire, upwards: upwards)
    }

    private func deliver(_ message: RelayMessage, on wire: inout FailoverWire, upwards: Bool) {
        let delay = Duration.milliseconds(Int.random(in: 1...15, using: &random))
        let lag = nodes[upwards ? wire.child : wire.parent].lag
        let time = max(now + delay + lag, upwards ? wire.newest.up : wire.newest.down)
        if upwards { wire.newest.up = time } else { wire.newest.down = time }
        nodes[upwards ? wire.parent : wire.child].mailbox.insert(.relay(wire: wire.number, message), at: time)
    }

    /// One end is closed, by its process or because that died. The other is told if it can be.
    func close(_ number: Int, by closer: Int) {
        guard let wire = wires[number] else { return }
        let other = closer == wire.child ? wire.parent : wire.child
        if wire.gone.contains(other) || !exists(other, wire) {
            wires[number] = nil
        } else if reaches(closer, other), nodes[closer].state != .silent {
            end(wire, at: other)
        } else {
            wires[number]?.gone.insert(closer)
            wires[number]?.held = []
            if nodes[closer].state == .silent { wires[number]?.lost = closer }
        }
    }

    /// The connection breaks, and both ends hear of it.
    private func tear(_ wire: FailoverWire) {
        for end in wire.ends where !wire.gone.contains(end) { self.end(wire, at: end) }
    }

    private func end(_ wire: FailoverWire, at end: Int) {
        wires[wire.number] = nil
        guard exists(end, wire) else { return }
        nodes[end].mailbox.insert(.closed(wire), at: now + .milliseconds(2))
    }

    private func exists(_ end: Int, _ wire: FailoverWire) -> Bool {
        nodes[end].isRunning && nodes[end].life == wire.life(of: end)
    }

    /// Ways are free again, or machines are back: what waited goes on where the connection has lasted, and machines say
    /// that they know nothing of the others.
    func mendWires() {
        for number in wires.keys.sorted() {
            guard var wire = wires[number], talks(wire.child, wire.parent) else { continue }
            if let gone = wire.gone.first {
                if nodes[gone].state != .silent { tear(wire) }
                continue
            }
            guard !wire.held.isEmpty else { continue }
            guard Bool.random(using: &random) else {
                tear(wire)
                continue
            }
            let held = wire.held
            wire.held = []
            wire.unanswered = 0
            for (message, upwards) in held { deliver(message, on: &wire, upwards: upwards) }
            wires[number] = wire
        }
    }

    /// The process of a node is dead: its machine ends its connections.
    func closeWires(ofDead node: FailoverNode) {
        for number in wires.keys.sorted() where wires[number]?.ends.contains(node.number) ?? false {
            close(number, by: node.number)
        }
    }

    /// So much may be under way without a word from the other end.
    private static let window = 24
}
