// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import Relay
import TestKit

/// What happens to the world, and what must have come of it.
extension FailoverWorld {
    /// Some faults, one behind the other, some into one another; then all is mended, and everybody must have the stream
    /// again.
    public func play(faults count: Int = 4) {
        run(for: .seconds(6))
        suffer(count)
    }

    func suffer(_ count: Int) {
        for _ in 0..<count {
            guard let fault = variant.faults.randomElement(using: &random) else { return }
            suffer(fault)
            run(for: .milliseconds(Int.random(in: 200...6000, using: &random)))
            mendSome()
        }
        mend()
        expectRecovery()
    }

    var gatewayNow: FailoverNode? {
        nodes.filter { $0.gateway != nil && $0.state == .up }
            .max { ($0.gateway?.term ?? .lowest) < ($1.gateway?.term ?? .lowest) }
    }

    /// The gateway's standby.
    var standbyNow: FailoverNode? { gatewayNow?.gateway?.standby.map { nodes[$0] } }

    func suffer(_ fault: Fault) {
        note("— \(fault)")
        switch fault {
        case .allDown: for node in nodes { kill(node) }
        case .edgeCutOff: cutOff([edge()])
        case .edgeDies: kill(nodes[Int.random(in: 3...6, using: &random)])
        case .gatewayCutOff:
            guard let gateway = gatewayNow else { return }
            // An edge may be on its side.
            cutOff([gateway] + (Bool.random(using: &random) ? [nodes[4]] : []))
            publisher.unreachable = Bool.random(using: &random) ? [gateway.number] : []
        case .gatewayDies: if let gateway = gatewayNow { kill(gateway) }
        case .gatewayFreezes: gatewayNow?.state = .frozen
        case .publisherMoves:
            if let origin = publisher.origin {
                publisher.unreachable = [origin.node]
                publisher.progress = now - .seconds(2)
            }
        case .restart:
            guard let gateway = gatewayNow else { return }
            kill(gateway)
            raise(gateway)
        case .standbyDies: if let standby = standbyNow { kill(standby) }
        case .twoDie: for node in [gatewayNow, standbyNow].compactMap({ $0 }) { kill(node) }
        default: sufferSilence(fault)
        }
    }

    func edge() -> FailoverNode { nodes[Int.random(in: 4...6, using: &random)] }

    /// The process dies. Its machine says so.
    func kill(_ node: FailoverNode) {
        guard node.isRunning else { return }
        node.die()
        closeWires(ofDead: node)
    }

    func cutOff(_ group: [FailoverNode]) {
        let inside = Set(group.map(\.number))
        for one in inside {
            for other in nodes.indices where !inside.contains(other) {
                cuts.insert(Cut(from: one, to: other))
                cuts.insert(Cut(from: other, to: one))
            }
        }
    }

    /// Half of what is broken is mended.
    private func mendSome() {
        for node in nodes where node.state != .up && Bool.random(using: &random) { raise(node) }
        if Bool.random(using: &random) { heal() }
        if variant.hasStore, !store.isUp { store.isUp = Bool.random(using: &random) }
        if nodes.allSatisfy({ !$0.isRunning || !$0.isOrigin }) { raise(nodes[0]) }
    }

    func mend() {
        note("— mended")
        // What drains has ended, and is started anew.
        for node in nodes where node.drain != nil { kill(node) }
        for node in nodes {
            raise(node)
            node.lag = .zero
        }
        store.isUp = true
        heal()
        publisher.unreachable = []
    }

    func heal() {
        cuts = []
        mendWires()
    }

    func raise(_ node: FailoverNode) {
        switch node.state {
        case .down, .silent:
            start(node)
            mendWires()
            look(node)
        case .frozen: node.state = .up
        case .up: break
        }
    }

    /// Everybody plays the newest term, and all the same.
    func expectRecovery() {
        let begun = now
        let limit = now + Self.recovery
        while now < limit {
            run(for: .milliseconds(200))
            if isWhole {
                pauses.append(now - begun)
                // It goes on.
                let before = gatewayNow?.feed?.window.committed
                run(for: .seconds(3))
                if let before, let after = gatewayNow?.feed?.window.committed, after.msn >= before.msn + 2, isWhole {
                    return
                }
            }
        }
        problems.append("not everybody recovered: \(standing)")
    }

    /// The bound of every recovery after the last fault.
    private static let recovery: Duration = .seconds(10)

    private var isWhole: Bool {
        guard let gateway = gatewayNow, let ours = gateway.feed?.window.currentKey else { return false }
        return nodes.allSatisfy { node in
            // Who writes none of the term's packaging waits for the next.
            if !node.description.packaging.contains(gateway.gateway?.packaging ?? 1) { return true }
            guard node.state == .up, let feed = node.feed, let key = feed.window.currentKey else {
                return node.isOrigin && node.state == .up && node.feed == nil
            }
            return feed.next.term == gateway.gateway?.term && key.position.msn + 1 >= ours.position.msn
        }
    }

    /// Where everybody stands, for a failure's text.
    private var standing: String {
        let lines =
            nodes.map { "\n  \($0.standing)" } + wires.values.sorted { $0.number < $1.number }.map { "\n  \($0)" }
        return (lines + ["\n  publisher \(publisher.connection) at \(publisher.origin.map { "n\($0.node)" } ?? "–")"])
            .joined()
    }
}

extension FailoverNode {
    /// What it holds, promised, believes and does.
    fileprivate var standing: String {
        let key = feed?.window.currentKey.map { "\($0.position.msn).\($0.position.part)" } ?? "–"
        let end = feed?.window.committed.map { "\($0.msn).\($0.part)" } ?? "–"
        var words = ["n\(number)", "\(state)", "lists \(key) of \(end)", "next \(feed.map { "\($0.next)" } ?? "–")"]
        if let promised { words.append("promised \(promised)") }
        if let entry {
            words.append("knows \(entry.term) v\(entry.version) \(entry.state) at \(entry.gateway)")
            words.append("standby \(entry.standby.map { "\($0)" } ?? "–")")
        }
        if let gateway {
            words.append("gateway of \(gateway.term), publisher \(gateway.publisher.map { "\($0)" } ?? "–")")
            words.append("\(gateway.commits.waitingCount) parts wait for n\(gateway.standby.map { "\($0)" } ?? "–")")
            if gateway.isFenced { words.append("fenced for \(gateway.fences), \(gateway.waiting.count) wait") }
            if let check = gateway.check { words.append("\(check)") }
        }
        if taking != nil { words.append("takes a term") }
        if let subscriber { words.append("subscribes\(isHolder ? " as holder" : ""), \(subscriber.standing)") }
        if !dead.isEmpty { words.append("dead: \(dead.sorted())") }
        return words.joined(separator: ", ")
    }
}

extension RelaySubscriberSession {
    fileprivate var standing: String {
        "next \(next.map { "\($0)" } ?? "–") in \(term.map { "\($0)" } ?? "–") by \(active.map { "\($0)" } ?? "–")"
    }
}

extension FailoverWire: CustomStringConvertible {
    var description: String {
        "wire \(number): n\(child) has it from n\(parent), \(path)\(isCopy ? ", copy" : "")\(held.isEmpty ? "" : ", \(held.count) wait")"
            + "\(gone.isEmpty ? "" : ", gone at \(gone)")"
            + "\(isHolding ? ", holds" : "")\(publisher == nil ? ", not admitted" : "")"
    }
}
