// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Feed
import HLS
import Identity
import Media
import Placement
import Relay
import TestKit

/// The publisher, as an encoder that connects anew: to any origin it can reach, a while after its connection broke.
struct FailoverPublisher {
    /// Counts its connections.
    var connection = 0
    /// The origin it is connected to, and that node's life; nil while it is not.
    var origin: (node: Int, life: Int)?
    var retryAt: Duration = .zero
    /// Nodes that it can not reach.
    var unreachable: Set<Int> = []
    /// When the connection last took something.
    var progress: Duration = .zero
    /// Whether it waits for a random access point to begin with.
    var waitsForEntry = true
    /// Whether it will come back at all.
    var isGone = false
    /// An origin that it was asked to go to.
    var invitation: Int?
    /// How often it went where it was asked to.
    var moves = 0
    let media = AnyIterator(FailoverPublisher.kind.events(for: .seconds(3600)).makeIterator())
    var pending: SyntheticMedia.Event?
    var sent: UInt32 = 0

    static let kind: SyntheticMedia = {
        var kind = SyntheticMedia()
        kind.frameRate = (20, 1)
        kind.framesPerGroup = 10
        kind.sampleRate = nil
        return kind
    }()
}

// MARK: - The publisher's side

extension FailoverWorld {
    /// Sends what is due, and looks for an origin where there is none.
    func publish() {
        connectPublisher()
        while let event = publisher.pending ?? publisher.media.next() {
            guard event.time <= now else {
                publisher.pending = event
                return
            }
            publisher.pending = nil
            send(event.unit)
        }
    }

    private func send(_ unit: AccessUnit) {
        guard publisher.origin != nil else { return }
        if publisher.waitsForEntry {
            guard unit.isRandomAccess else { return }
            publisher.waitsForEntry = false
        }
        if unit.isRandomAccess, let place = publisher.invitation { move(to: place) }
        guard let origin = publisher.origin else { return }
        var unit = unit
        publisher.sent += 1
        var payload = Array(unit.payload.prefix(8))
        payload.append(bigEndian: publisher.sent)
        unit.payload = payload[...]
        guard nodes[origin.node].isRunning else { return }
        nodes[origin.node].mailbox.insert(
            .media(connection: publisher.connection, .unit(unit)), at: now + .milliseconds(3))
    }

    /// Goes on at another origin without a pause, and then leaves this one.
    private func move(to place: Int) {
        publisher.invitation = nil
        let node = nodes[place]
        guard let former = publisher.origin, node.state == .up, !publisher.unreachable.contains(place) else { return }
        let old = publisher.connection
        publisher.connection += 1
        publisher.moves += 1
        publisher.origin = (place, node.life)
        note("publisher \(publisher.connection) moves to n\(place)")
        arrive(publisher.connection, node)
        guard nodes[former.node].isRunning, nodes[former.node].life == former.life else { return }
        nodes[former.node].mailbox.insert(.media(connection: old, .left), at: now + .milliseconds(3))
    }

    private func connectPublisher() {
        if let origin = publisher.origin {
            let node = nodes[origin.node]
            let isLost = node.state == .down || node.life != origin.life
            let isStuck = node.state != .up || publisher.unreachable.contains(origin.node)
            if !isStuck { publisher.progress = now }
            if isLost || isStuck && now - publisher.progress > .milliseconds(1500) { disconnect() }
            return
        }
        guard !publisher.isGone, now >= publisher.retryAt else { return }
        let open = nodes.filter {
            $0.isOrigin && $0.state == .up && $0.drain == nil && !publisher.unreachable.contains($0.number)
        }
        guard let node = open.randomElement(using: &random) else { return }
        publisher.connection += 1
        publisher.origin = (node.number, node.life)
        publisher.progress = now
        publisher.waitsForEntry = true
        note("publisher \(publisher.connection) at n\(node.number)")
        arrive(publisher.connection, node)
    }

    private func disconnect() {
        guard let origin = publisher.origin else { return }
        let node = nodes[origin.node]
        if node.life == origin.life, node.isRunning, !publisher.unreachable.contains(origin.node) {
            node.mailbox.insert(.media(connection: publisher.connection, .left), at: now + .milliseconds(3))
        }
        publisher.origin = nil
        publisher.invitation = nil
        publisher.retryAt = now + .milliseconds(Int.random(in: 300...1500, using: &random))
    }

    /// The node tells the publisher to go.
    func cutPublisher(_ connection: Int) {
        if rivals.remove(connection) != nil, rivals.isEmpty { problems.append("both publishers were cut at \(now)") }
        guard publisher.connection == connection, let origin = publisher.origin else { return }
        guard !publisher.unreachable.contains(origin.node) else { return }
        publisher.origin = nil
        publisher.invitation = nil
        publisher.retryAt = now + .milliseconds(Int.random(in: 300...1500, using: &random))
    }
}

// MARK: - The gateway's side

extension FailoverWorld {
    /// A publisher has connected: the term goes on where this node has it, else it is taken.
    func arrive(_ connection: Int, _ node: FailoverNode) {
        if node.gateway != nil, node.gateway?.sequencer.summary.hasEnded == false {
            if let former = node.gateway?.publisher, former != connection {
                sequence(FailoverMedia(content: .left, now: now), node)
            }
            node.gateway?.publisher = connection
            node.gateway?.absentSince = nil
            sequence(FailoverMedia(content: .returned, now: now), node)
            announce(node)
        } else {
            if isCutOffFromStore(node) { return cutPublisher(connection) }
            if node.gateway != nil { stop(node) }
            take(node, for: connection)
        }
        take(.parameters, from: connection, node)
    }

    /// A connection of the publisher brings something.
    func take(_ content: FailoverMedia.Content, from connection: Int, _ node: FailoverNode) {
        let media = FailoverMedia(content: content, now: now)
        if node.taking?.publisher == connection {
            if case .left = content { node.taking?.hasLeft = true } else { node.taking?.waiting.append(media) }
        } else if node.gateway?.publisher == connection {
            if case .left = content { return leave(node) }
            if case .unit(let unit) = content, unit.isRandomAccess, node.gateway?.isParting ?? false {
                return part(node)
            }
            sequence(media, node)
        }
    }

    func leave(_ node: FailoverNode) {
        sequence(FailoverMedia(content: .left, now: now), node)
        node.gateway?.publisher = nil
        node.gateway?.absentSince = now
        announce(node)
    }

    /// The gate, and the sequencer behind it.
    func sequence(_ media: FailoverMedia, _ node: FailoverNode) {
        guard node.gateway != nil else { return }
        guard node.gateway?.isFenced == false else {
            node.gateway?.waiting.append(media)
            return
        }
        var records: [FeedRecord] = []
        switch media.content {
        case .left: node.gateway?.sequencer.publisherLeft(now: media.now, into: &records)
        case .parameters:
            let kind = FailoverPublisher.kind
            for track in kind.tracks {
                node.gateway?.sequencer.parameters(
                    kind.parameters(track), for: track, now: media.now, wall: wall(of: node), into: &records)
            }
        case .returned: node.gateway?.sequencer.publisherReturned(now: media.now)
        case .unit(let unit):
            node.gateway?.sequencer.append(unit, now: media.now, wall: wall(of: node), into: &records)
        }
        append(records, node)
    }

    /// Appends at the gateway, and commits what the standby has.
    func append(_ records: [FeedRecord], _ node: FailoverNode) {
        guard var gateway = node.gateway, !records.isEmpty else { return }
        checkOutdone(node)
        for record in records {
            node.feed?.append(record, at: FeedPosition(term: gateway.term, number: gateway.nextNumber))
            if case .partEnd(let mark) = record {
                _ = gateway.commits.append(mark.position, number: gateway.nextNumber)
            }
            gateway.nextNumber += 1
        }
        gateway.silence.watch.appended(before: gateway.nextNumber, now: now)
        node.gateway = gateway
        settle(node)
    }

    func settle(_ node: FailoverNode) {
        guard let gateway = node.gateway, !gateway.isFenced, let commit = gateway.commits.committed else { return }
        node.feed?.commit(upTo: commit)
        furthest = max(furthest ?? commit.part, commit.part)
    }

    func holder(
        _ child: Int, _ node: FailoverNode, said acknowledgement: RelayPublisherSession.Acknowledgement
    ) {
        guard let gateway = node.gateway else { return }
        let id = nodes[child].id
        switch acknowledgement {
        case .holds(let position) where position.term == gateway.term && gateway.commits.waits(for: id):
            node.gateway?.silence.watch.acknowledged(
                before: position.number + 1, of: gateway.nextNumber, by: id, now: now)
            _ = node.gateway?.commits.acknowledge(position, by: id)
        case .holds(let position) where position.term == gateway.term,
            .joins(let position) where position.term == gateway.term:
            node.gateway?.commits.add(id, countingFrom: position.number + 1)
            node.gateway?.silence.watch.add(
                id, holdingBefore: position.number + 1, end: gateway.nextNumber, now: now)
        case .holds, .joins: break
        }
        settle(node)
    }

    private func forget(_ holder: Int, _ node: FailoverNode) {
        node.gateway?.silence.watch.remove(nodes[holder].id)
        _ = node.gateway?.commits.remove(nodes[holder].id)
        settle(node)
    }

    func lostHolder(_ child: Int, _ node: FailoverNode) {
        if now - node.lastTick > .seconds(1) { hasStood(node) }
        forget(child, node)
    }

    /// Tells the directory, and chooses a standby where there is none.
    func announce(_ node: FailoverNode, state: StreamState? = nil) {
        guard let gateway = node.gateway else { return }
        let former = node.entry.flatMap { $0.term == gateway.term ? $0 : nil }
        var entry =
            former
            ?? StreamEntry(
                stream: Self.stream, term: gateway.term, gateway: node.id, region: .local, state: .live, publisher: 7)
        entry.state = state ?? (gateway.publisher == nil ? .absent : .live)
        let current = entry.standby.flatMap { node.snapshot.origins.index(of: $0) == nil ? nil : $0 }
        // One that drains holds on until another does.
        let isLost = current == nil && !(gateway.standby.map { nodes[$0].description.isDraining } ?? false)
        if entry.standby != nil, isLost, let gone = gateway.standby {
            forget(gone, node)
        }
        entry.standby =
            current ?? node.snapshot.standby(of: Self.stream, gateway: node.id, packaging: gateway.packaging)
        node.gateway?.standby = entry.standby.map(number(of:))
        guard entry != former else { return }
        entry.version += former == nil ? 0 : 1
        learn(entry, node)
    }
}
