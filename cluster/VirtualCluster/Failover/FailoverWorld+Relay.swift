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
            node.retries[path] = now + .milliseconds(Int.random(in: 20...80, using: &random))
            let taken = RelayPath.allCases.flatMap { ours(node, $0, isCopy: false) }.compactMap { wires[$0]?.parent }
            let parent = parents(of: node).first { !taken.contains($0) && now >= node.shunned[$0] ?? .zero }
            guard let parent else { continue }
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

    /// A machine whose process is dead refuses at once; one that is gone, or cut off, says nothing for two seconds.
    func connect(_ node: FailoverNode, to parent: Int, _ path: RelayPath, isCopy: Bool) {
        guard talks(node.number, parent), nodes[parent].state != .silent else {
            if isCopy {
                node.taking?.hangsUntil = now + Self.connectTimeout
            } else {
                node.retries[path] = now + Self.connectTimeout
                node.shunned[parent] = now + Self.connectTimeout + Self.shunTime
            }
            return
        }
        guard nodes[parent].isRunning else {
            node.shunned[parent] = now + Self.shunTime
            if isCopy { copyFailed(node) }
            return
        }
        lastWire += 1
        wires[lastWire] = FailoverWire(
            number: lastWire, child: node.number, parent: parent, path: path, isCopy: isCopy,
            lives: (node.life, nodes[parent].life))
        if isCopy {
            node.taking?.hangsUntil = nil
            obeyCopy(node.taking?.copy?.open(path, now: now) ?? [], node)
        } else {
            obey(node.subscriber?.open(path, now: now) ?? [], node)
        }
    }

    /// A connection brings something, to its parent or to its child.
    func receive(_ message: RelayMessage, on number: Int, _ node: FailoverNode) {
        guard let wire = wires[number] else { return }
        if let lost = wire.lost, lost != node.number { return }
        if wire.parent == node.number { return heard(message, wire, node) }
        guard wire.lives.child == node.life, !wire.gone.contains(node.number) else { return }
        if wire.isCopy {
            obeyCopy(node.taking?.copy?.receive(message, from: wire.path, now: now) ?? [], node)
            copied(node)
        } else {
            obey(node.subscriber?.receive(message, from: wire.path, now: now) ?? [], node)
        }
    }

    func closed(_ wire: FailoverWire, _ node: FailoverNode) {
        if wire.parent == node.number {
            // A standby that came back on a new connection holds on.
            let isThere = wires.values.contains {
                $0.child == wire.child && $0.parent == node.number && $0.isHolding && !$0.gone.contains(node.number)
            }
            if wire.isHolding, !isThere { lostHolder(wire.child, node) }
        } else if !ours(node, wire.path, isCopy: wire.isCopy).isEmpty {
            return  // there is a newer one
        } else if wire.isCopy {
            copyFailed(node)
        } else if node.subscriber?.isOpen(wire.path) ?? false {
            node.shunned[wire.parent] = now + Self.shunTime
            obey(node.subscriber?.disconnected(wire.path, now: now) ?? [], node)
        }
    }

    func obey(_ directives: [RelaySubscriberSession.Directive], _ node: FailoverNode) {
        var mayAcknowledge = true
        for directive in directives {
            switch directive {
            case .append(let records, let first):
                guard records.allSatisfy({ $0.isWritable(in: node.description.packaging) }) else { return refuse(node) }
                mayAcknowledge = node.promise?.admitsAcknowledging(first.term) ?? true
                for (offset, record) in records.enumerated() {
                    node.append(record, at: FeedPosition(term: first.term, number: first.number + UInt64(offset)))
                }
            case .begin(let start): node.begin(start, stream: Self.stream)
            case .commit(let commit):
                guard let feed = node.feed else { break }
                let mayList = node.promise?.admitsListing(commit.position.term, holding: feed.next.term, now: now)
                if mayList ?? true { node.feed?.commit(upTo: commit) }
            case .leave(let path, let parting):
                if case .failed(let failure) = parting { problems.append("n\(node.number): \(failure) at \(now)") }
                for wire in ours(node, path, isCopy: false) {
                    if let parent = wires[wire]?.parent { node.shunned[parent] = now + Self.shunTime }
                }
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

    /// The gateway packages as this node can not: to write other bytes under its names would be worse than none.
    private func refuse(_ node: FailoverNode) {
        note("n\(node.number) writes no such packaging")
        unsubscribe(node)
        node.feed = nil
        for path in RelayPath.allCases { node.retries[path] = now + .seconds(1) }
    }

    private func ours(_ node: FailoverNode, _ path: RelayPath, isCopy: Bool) -> [Int] {
        wires.values.filter { wire in
            wire.child == node.number && wire.path == path && wire.isCopy == isCopy && !wire.gone.contains(node.number)
                && wire.lives.child == node.life
        }.map(\.number).sorted()
    }

    private func closeWires(of node: FailoverNode, on path: RelayPath) {
        for wire in ours(node, path, isCopy: false) {
            write(.unsubscribe, on: wire, upwards: true)
            close(wire, by: node.number)
        }
    }

    /// The node subscribes no more.
    func unsubscribe(_ node: FailoverNode) {
        for path in RelayPath.allCases { closeWires(of: node, on: path) }
        node.subscriber = nil
    }

    /// How long a connection may take to be made.
    private static let connectTimeout: Duration = .seconds(2)
    /// How long a parent that was given up is not asked again.
    private static let shunTime: Duration = .milliseconds(500)
}

// MARK: - The parent's side

extension FailoverWorld {
    private func heard(_ message: RelayMessage, _ wire: FailoverWire, _ node: FailoverNode) {
        guard wire.lives.parent == node.life, !wire.gone.contains(node.number) else { return }
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
        if isLeaving(node) { return .refused(.draining) }
        let child = nodes[wire.child]
        if request.isHolder {
            return entry.gateway == node.id && entry.standby == child.id ? nil : .refused(.notHere)
        }
        let question = SubscriptionRequest(
            node: child.id, region: child.description.region, level: node.snapshot.level(of: child.id, for: entry),
            via: request.via.map(\.number), redirects: Int(request.redirects))
        let others = wires.values.count {
            $0.parent == node.number && $0.publisher != nil && !$0.isCopy && !$0.gone.contains(node.number)
        }
        return switch node.snapshot.admit(question, for: entry, subscribers: others) {
        case .accept: nil
        case .redirect(let upstream, _): .redirect(to: upstream.node, at: upstream.relay)
        case .refuseCircle: .refused(.loop)
        case .refuseDistance: .refused(.tooManyHops)
        }
    }

    /// Sends on a connection what its subscriber is to have next.
    func pump(_ number: Int) {
        guard let wire = wires[number], nodes[wire.parent].state == .up, wire.publisher != nil,
            !wire.gone.contains(wire.parent)
        else { return }
        let parent = nodes[wire.parent]
        if !wire.isCopy, isLeaving(parent) {
            wires[number]?.publisher = nil
            return write(.refused(.draining), on: number, upwards: false)
        }
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
        for wire in ours(node, .first, isCopy: true) { close(wire, by: node.number) }
        node.taking?.copy = nil
        node.taking?.hangsUntil = nil
    }

    func obeyCopy(_ directives: [RelaySubscriberSession.Directive], _ node: FailoverNode) {
        for directive in directives {
            switch directive {
            case .append(let records, let first):
                guard records.allSatisfy({ $0.isWritable(in: node.description.packaging) }) else {
                    return copyFailed(node)
                }
                for (offset, record) in records.enumerated() {
                    node.append(record, at: FeedPosition(term: first.term, number: first.number + UInt64(offset)))
                }
            case .begin(let start): node.begin(start, stream: Self.stream)
            case .commit: break
            case .leave, .redirect: copyFailed(node)
            case .send(let message, _):
                for wire in ours(node, .first, isCopy: true) { write(message, on: wire, upwards: true) }
            }
        }
    }
}
