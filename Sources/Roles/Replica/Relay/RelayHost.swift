// SPDX-License-Identifier: Apache-2.0

import Identity
import NIOCore
import Relay
import Telemetry
import Transport

/// The parent's side of a connection: the subscriptions of one other node. Confined to its loop.
final class RelayHost: RelayParty {
    private let front: RelayFront
    private unowned let connection: RelayConnection
    private let branches: BranchHost
    private var peer: NodeID?
    private var served: [UInt32: Served] = [:]
    /// The channels of each replica, so that a record costs those alone who want it.
    private var channels: [ObjectIdentifier: Set<UInt32>] = [:]
    private var mailbox: LoopMailbox?
    private var nextHeartbeat = Duration.zero
    private var nextRound = NIODeadline.uptimeNanoseconds(0)
    /// Where the round begins, so that no subscription is always the last that the connection has room for.
    private var turn: UInt32 = 0

    /// One subscription.
    private struct Served {
        var session: RelayPublisherSession
        let replica: StreamReplica
        var isHolding = false
    }

    init(_ front: RelayFront, _ connection: RelayConnection, from address: PeerAddress) {
        self.front = front
        self.connection = connection
        branches = BranchHost(connection, from: address, metrics: front.metrics)
        let box = NIOLoopBoundBox<Weak?>(nil, eventLoop: connection.eventLoop)
        let loop = connection.eventLoop
        mailbox = LoopMailbox(
            execute: { serve in loop.execute { box.value?.host?.round(serve) } },
            deliver: { replica in box.value?.host?.wake(replica) })
        box.value = Weak(host: self)
    }

    private struct Weak { weak var host: RelayHost? }

    func greeted(_ peer: RelayHello, on connection: RelayConnection) { self.peer = peer.node }

    func receive(_ frame: RelayFrame) {
        switch frame.message {
        case .subscribe(let request): subscribe(request, frame.channel)
        case .termQuestion(let stream, let term):
            connection.send(.termAnswer(front.doorkeeper.answer(stream, term: term)), channel: frame.channel)
        case .branch(let branch): branches.begin(branch, frame.channel, by: front.carrier)
        case .randomAccess: served[frame.channel]?.replica.requestRandomAccess()
        default: if !branches.take(frame) { tell(frame.message, frame.channel) }
        }
    }

    /// Goes on with all whose records had no room.
    func writable() {
        let channels = served.keys.sorted()
        let first = channels.firstIndex { $0 > turn } ?? 0
        for channel in channels[first...] + channels[..<first] where connection.isWritable {
            turn = channel
            pump(channel)
        }
        connection.flush()
    }

    func tick(now: Duration) {
        branches.tick(now: now)
        guard now >= nextHeartbeat else { return }
        nextHeartbeat = now + front.identity.settings.heartbeat - .milliseconds(50)
        for (channel, subscription) in Array(served) {
            if front.replicas[subscription.replica.id] !== subscription.replica {
                end(channel, .unknownStream)
            } else if front.doorkeeper.isLeaving(subscription.replica.id) {
                end(channel, .draining)
            } else if let beat = subscription.replica.heartbeat(for: subscription.session, now: now) {
                connection.send(beat, channel: channel)
            }
        }
    }

    func closed() {
        for channel in Array(served.keys) { forget(channel) }
        branches.closed()
    }
}

extension RelayHost {
    private func subscribe(_ request: RelayRequest, _ channel: UInt32) {
        guard let peer, channel > 0, served[channel] == nil, !branches.has(channel) else {
            return connection.fail(.unexpected)
        }
        guard served.count < front.identity.settings.maximumSubscriptions else {
            return refuse(.overloaded, channel)
        }
        switch front.doorkeeper.verdict(on: request, by: peer) {
        case .accept: admit(request, channel)
        case .redirect(let parent):
            connection.send(.redirect(to: parent.node, at: parent.endpoint), channel: channel)
        case .refuse(let refusal): refuse(refusal, channel)
        }
    }

    private func admit(_ request: RelayRequest, _ channel: UInt32) {
        do throws(RelayRefusal) {
            let session = try RelayPublisherSession(
                request, at: front.identity.tag, settings: front.identity.settings)
            let known = front.replicas[request.stream] ?? front.source?.replica(of: request.stream, via: request.via)
            guard let replica = known else { throw .unknownStream }
            served[channel] = Served(session: session, replica: replica)
            channels[ObjectIdentifier(replica), default: []].insert(channel)
            front.metrics.subscriptions.add(1)
            replica.subscribers(by: 1)
            pump(channel)
        } catch { refuse(error, channel) }
    }

    private func refuse(_ refusal: RelayRefusal, _ channel: UInt32) {
        front.metrics.refused(refusal)
        connection.send(.refused(refusal), channel: channel)
    }

    /// A message of a subscription that has ended here may still be on its way, and is nothing new.
    private func tell(_ message: RelayMessage, _ channel: UInt32) {
        guard let subscription = served[channel], let peer else { return }
        do throws(RelayFailure) {
            let acknowledgement = try served[channel]?.session.receive(message)
            if message == .unsubscribe { return forget(channel) }
            guard let acknowledgement else { return pump(channel) }
            if case .joins = acknowledgement { served[channel]?.isHolding = true }
            front.doorkeeper.holder(peer, of: subscription.replica.id, said: acknowledgement)
        } catch { connection.fail(error) }
    }

    /// Serves those whom there is something for: at once, but at most once in ``RelaySettings/pace``, so that under many
    /// streams one write carries what came meanwhile.
    private func round(_ serve: @escaping @Sendable () -> Void) {
        let loop = connection.eventLoop.assumeIsolatedUnsafeUnchecked()
        guard connection.eventLoop.now < nextRound else { return serveRound(serve) }
        loop.scheduleTask(deadline: nextRound) { [weak self] in self?.serveRound(serve) }
    }

    private func serveRound(_ serve: () -> Void) {
        nextRound = connection.eventLoop.now + TimeAmount(front.identity.settings.pace)
        front.metrics.rounds.add()
        serve()
        connection.flush()
    }

    private func wake(_ replica: StreamReplica) {
        for channel in channels[ObjectIdentifier(replica)] ?? [] { pump(channel) }
    }

    /// Sends what there is while the connection takes it.
    private func pump(_ channel: UInt32) {
        guard let mailbox, var subscription = served[channel] else { return }
        while connection.isWritable {
            switch subscription.replica.next(for: &subscription.session, wake: mailbox) {
            case .end(let refusal): return end(channel, refusal)
            case .level:
                served[channel]?.session = subscription.session
                return
            case .records(let body): connection.send(records: body, channel: channel)
            case .send(let message): connection.send(message, channel: channel)
            }
        }
        served[channel]?.session = subscription.session
    }

    private func end(_ channel: UInt32, _ refusal: RelayRefusal) {
        refuse(refusal, channel)
        forget(channel)
    }

    private func forget(_ channel: UInt32) {
        guard let gone = served.removeValue(forKey: channel) else { return }
        front.metrics.subscriptions.add(-1)
        gone.replica.subscribers(by: -1)
        if gone.isHolding, let peer { front.doorkeeper.lostHolder(peer, of: gone.replica.id) }
        let id = ObjectIdentifier(gone.replica)
        channels[id]?.remove(channel)
        guard channels[id]?.isEmpty ?? true else { return }
        channels[id] = nil
        guard let mailbox else { return }
        gone.replica.forget(mailbox)
    }
}
