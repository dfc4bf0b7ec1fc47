// SPDX-License-Identifier: Apache-2.0

import Cluster
import Feed
import HLS
import Identity
import Placement
import Relay

/// The relay: subscriptions, and the copies of whoever takes a term.
extension FailoverWorld {
    /// Opens the subscriptions that a node should have, and does what is due in them.
    func subscribe(_ node: FailoverNode) {
        guard !node.isGateway, node.taking == nil else { return }
        guard let entry = node.entry, entry.state != .ended else { return }
        if node.subscriber == nil {
            node.subscriber = RelaySubscriberSession(
                stream: Self.stream, next: node.feed?.next, term: entry.term, via: [NodeTag(node.id)],
                isHolder: entry.standby == node.id, settings: settings)
            node.isHolder = entry.standby == node.id
        }
        obey(node.subscriber?.tick(now: now) ?? [], node)
        for path in RelayPath.allCases where !(node.subscriber?.isOpen(path) ?? true) {
            guard now >= node.retries[path] ?? .zero else { continue }
            node.retries[path] = now + .milliseconds(Int.random(in: 50...200, using: &random))
            let taken = wires.values.filter { $0.child == node.number && !$0.isCopy }.map(\.parent)
            guard let parent = parents(of: node).first(where: { !taken.contains($0) }) else { continue }
            connect(node, to: parent, path, isCopy: false)
        }
    }

    /// Where a node has the stream from, by its own view.
    func parents(of node: FailoverNode) -> [Int] {
        guard let entry = node.entry else { return [] }
        if entry.standby == node.id { return [number(of: entry.gateway)] }
        return node.snapshot.parents(of: node.id, for: entry, edgeCount: node.snapshot.edges.count)
            .map { number(of: $0.node) }
    }

    func number(of id: NodeID) -> Int { nodes.firstIndex { $0.id == id } ?? 0 }

    /// A dead machine refuses at once, one that is cut off not at all.
    func connect(_ node: FailoverNode, to parent: Int, _ path: RelayPath, isCopy: Bool) {
        guard nodes[parent].state != .down, reaches(node.number, parent), reaches(parent, node.number) else {
            if isCopy { copyFailed(node) }
            return
        }
        lastWire += 1
        wires[lastWire] = FailoverWire(
            number: lastWire, child: node.number, parent: parent, path: path, isCopy: isCopy,
            lives: (node.life, nodes[parent].life))
        if isCopy {
            obeyCopy(node.taking?.copy?.open(path, now: now) ?? [], node)
        } else {
            obey(node.subscriber?.open(path, now: now) ?? [], node)
        }
    }

    /// A connection brings something, to its parent or to its child.
    func receive(_ message: RelayMessage, on number: Int, _ node: FailoverNode) {
        guard let wire = wires[number] else { return }
        if wire.parent == node.number { return heard(message, wire, node) }
        guard wire.lives.child == node.life else { return }
        if wire.isCopy {
            obeyCopy(node.taking?.copy?.receive(message, from: wire.path, now: now) ?? [], node)
            copied(node)
        } else {
            obey(node.subscriber?.receive(message, from: wire.path, now: now) ?? [], node)
        }
    }

    func closed(_ wire: FailoverWire, _ node: FailoverNode) {
        if wire.parent == node.number {
            if wire.isHolding { lostHolder(wire.child, node) }
        } else if !ours(node, wire.path, isCopy: wire.isCopy).isEmpty {
            return  // there is a newer one
        } else if wire.isCopy {
            copyFailed(node)
        } else if node.subscriber?.isOpen(wire.path) ?? false {
            obey(node.subscriber?.disconnected(wire.path, now: now) ?? [], node)
        }
    }

    func obey(_ directives: [RelaySubscriberSession.Directive], _ node: FailoverNode) {
        var mayAcknowledge = true
        for directive in directives {
            switch directive {
            case .append(let records, let first):
                mayAcknowledge = node.promised.map { $0 <= first.term } ?? true
                for (offset, record) in records.enumerated() {
                    node.append(record, at: FeedPosition(term: first.term, number: first.number + UInt64(offset)))
                }
            case .begin(let start): node.begin(start, stream: Self.stream)
            case .commit(let commit):
                if node.promised.map({ $0 <= commit.position.term }) ?? true { node.feed?.commit(upTo: commit) }
            case .datagram: break
            case .leave(let path, let parting):
                if case .failed(let failure) = parting { problems.append("n\(node.number): \(failure) at \(now)") }
                closeWires(of: node, on: path)
            case .redirect(let path, let to, _):
                closeWires(of: node, on: path)
                connect(node, to: self.number(of: to), path, isCopy: false)
            case .send(.acknowledge, _) where !mayAcknowledge: break
            case .send(let message, let path):
                for wire in ours(node, path, isCopy: false) { write(message, on: wire, upwards: true) }
            }
        }
    }

    private func ours(_ node: FailoverNode, _ path: RelayPath, isCopy: Bool) -> [Int] {
        wires.values.filter { $0.child == node.number && $0.path == path && $0.isCopy == isCopy }.map(\.number).sorted()
    }

    private func closeWires(of node: FailoverNode, on path: RelayPath) {
        for wire in ours(node, path, isCopy: false) {
            write(.unsubscribe, on: wire, upwards: true)
            close(wire)
        }
    }

    /// The node subscribes no more.
    func unsubscribe(_ node: FailoverNode) {
        for path in RelayPath.allCases { closeWires(of: node, on: path) }
        node.subscriber = nil
    }
}

// MARK: - The parent's side

extension FailoverWorld {
    private func heard(_ message: RelayMessage, _ wire: FailoverWire, _ node: FailoverNode) {
        guard wire.lives.parent == node.life else { return }
        if case .subscribe(let request) = message { return admit(request, wire, node) }
        do {
            let acknowledgement = try wires[wire.number]?.publisher?.receive(message)
            guard let acknowledgement else { return }
            if case .joins = acknowledgement { wires[wire.number]?.isHolding = true }
            holder(wire.child, node, said: acknowledgement)
        } catch { problems.append("n\(wire.child) at n\(node.number): \(error) at \(now)") }
    }

    private func admit(_ request: RelayRequest, _ wire: FailoverWire, _ node: FailoverNode) {
        do throws(RelayRefusal) {
            if let refusal = verdict(request, wire, node) {
                if case .redirect = refusal { return write(refusal, on: wire.number, upwards: false) }
                if case .refused(let reason) = refusal { throw reason }
            }
            wires[wire.number]?.publisher = try RelayPublisherSession(
                request, at: NodeTag(node.id), settings: settings)
        } catch { write(.refused(error), on: wire.number, upwards: false) }
    }

    /// Why a subscription is not served here; nil where it is.
    private func verdict(_ request: RelayRequest, _ wire: FailoverWire, _ node: FailoverNode) -> RelayMessage? {
        if request.isTaking { return nil }
        guard let entry = node.entry else { return .refused(.unknownStream) }
        if let term = request.term, term > max(entry.term, node.feed?.next.term ?? entry.term) {
            return .refused(.wrongTerm)
        }
        let child = nodes[wire.child]
        if request.isHolder {
            return entry.gateway == node.id && entry.standby == child.id ? nil : .refused(.notHere)
        }
        let question = SubscriptionRequest(
            node: child.id, region: child.description.region, level: node.snapshot.level(of: child.id, for: entry),
            via: request.via.map(\.number), redirects: Int(request.redirects))
        let others = wires.values.count { $0.parent == node.number && $0.publisher != nil && !$0.isCopy }
        return switch node.snapshot.admit(question, for: entry, subscribers: others) {
        case .accept: nil
        case .redirect(let upstream, _): .redirect(to: upstream.node, at: upstream.relay)
        case .refuseCircle: .refused(.loop)
        case .refuseDistance: .refused(.tooManyHops)
        }
    }

    /// Sends on a connection what its subscriber is to have next.
    func pump(_ number: Int) {
        guard let wire = wires[number], nodes[wire.parent].state == .up, wire.publisher != nil else { return }
        let parent = nodes[wire.parent]
        if now >= wire.nextHeartbeat {
            wires[number]?.nextHeartbeat = now + settings.heartbeat
            let age = parent.isGateway ? .zero : parent.subscriber?.gatewayAge(now: now)
            let beat = wire.publisher?.heartbeat(
                term: parent.feed?.next.term, commit: parent.feed?.commit, gatewayAge: age)
            if let beat { write(beat, on: number, upwards: false) }
        }
        guard let feed = parent.feed else { return }
        var batches = 0
        while batches < 8, let directive = wires[number]?.publisher?.next(from: feed.log, commit: feed.commit) {
            switch directive {
            case .end(let refusal): return write(.refused(refusal), on: number, upwards: false)
            case .records(let places):
                guard let first = feed.log.position(at: places.lowerBound) else { return }
                write(
                    .records(RelayRecords(first: first, records: Array(feed.log.slice(places)))), on: number,
                    upwards: false)
                batches += 1
            case .send(let message): write(message, on: number, upwards: false)
            }
        }
    }
}

// MARK: - Copies

extension FailoverWorld {
    func startCopy(_ node: FailoverNode, from parent: Int) {
        stopCopy(node)
        node.taking?.copy = RelaySubscriberSession(
            stream: Self.stream, next: node.feed?.next, via: [NodeTag(node.id)], isTaking: true, settings: settings)
        node.taking?.source = parent
        connect(node, to: parent, .first, isCopy: true)
    }

    func stopCopy(_ node: FailoverNode) {
        for wire in ours(node, .first, isCopy: true) { close(wire) }
        node.taking?.copy = nil
    }

    func obeyCopy(_ directives: [RelaySubscriberSession.Directive], _ node: FailoverNode) {
        for directive in directives {
            switch directive {
            case .append(let records, let first):
                for (offset, record) in records.enumerated() {
                    node.append(record, at: FeedPosition(term: first.term, number: first.number + UInt64(offset)))
                }
            case .begin(let start): node.begin(start, stream: Self.stream)
            case .commit, .datagram: break
            case .leave, .redirect: copyFailed(node)
            case .send(let message, _):
                for wire in ours(node, .first, isCopy: true) { write(message, on: wire, upwards: true) }
            }
        }
    }
}
