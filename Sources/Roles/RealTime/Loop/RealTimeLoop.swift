// SPDX-License-Identifier: Apache-2.0

import Datagrams
import Identity
import Media
import RTP
import Replica
import SecureMedia
import Telemetry
import WebRTC

/// All sessions of one thread of the UDP port, and the streams that are sent from it. Confined to its thread.
///
/// Before a check is authenticated nothing is allocated for it and nothing answers it. Then the session is this thread's,
/// with all its addresses: what the kernel gives to another thread is handed over.
final class RealTimeLoop: DatagramHandler {
    let index: Int
    let sender: DatagramSender
    let table: SessionTable
    let threads: ThreadGroup
    let sounds: SoundTable
    let metrics: RealTimeMetrics
    let settings: RealTimeSettings
    let log: RealTimeLog
    /// Where datagrams are put together before they are encrypted in their place.
    var scratch: [UInt8] = []
    private var routes: [DatagramAddress: Route] = [:]
    /// Whose the connections of TCP are.
    var streams: [ObjectIdentifier: SecureConnection] = [:]
    private var byFragment: [ICEFragment: SecureConnection] = [:]
    private var connections: [SignalingSessionID: SecureConnection] = [:]
    /// Those that have something to do more often than ten times a second: handshakes and publishers.
    private var busy: [SignalingSessionID: SecureConnection] = [:]
    private var fanouts: [ObjectIdentifier: StreamFanout] = [:]
    private var contexts: [(identity: DTLSIdentity, context: DTLSContext)] = []
    private var mailbox: LoopMailbox?
    private var hasBehind = false
    private var nextSlot: Duration = .zero
    private var nextStep: Duration = .zero
    private var nextRound: Duration = .zero

    private enum Route {
        case here(SecureConnection)
        /// Another thread's, since the last check by this fragment.
        case there(Int, ICEFragment, at: Duration)
    }

    init(
        index: Int, sender: DatagramSender, table: SessionTable, threads: ThreadGroup, sounds: SoundTable,
        metrics: RealTimeMetrics, settings: RealTimeSettings, log: RealTimeLog
    ) {
        self.index = index
        self.sender = sender
        self.table = table
        self.threads = threads
        self.sounds = sounds
        self.metrics = metrics
        self.settings = settings
        self.log = log
        mailbox = LoopMailbox(
            execute: { work in threads.submit(to: index) { _, _ in work() } },
            deliver: { replica in threads.submit(to: index) { loop, now in loop.wake(replica, now: now) } })
    }
}

// MARK: - Datagrams

extension RealTimeLoop {
    func receive(_ bytes: UnsafeMutableRawBufferPointer, from peer: DatagramAddress, now: Duration) {
        receive(bytes, from: peer, via: nil, now: now)
    }

    /// - Parameter via: the thread that it came to, if not to this one.
    private func receive(
        _ bytes: UnsafeMutableRawBufferPointer, from peer: DatagramAddress, via: Int?, now: Duration
    ) {
        let kind = DatagramKind(of: bytes.octets.span)
        switch kind {
        case .stun: receiveCheck(bytes, from: peer, via: via, on: nil, now: now)
        case .unknown: metrics.dropped("unknown")
        case .dtls, .rtcp, .rtp:
            switch routes[peer] {
            case .here(let connection): connection.receive(kind, bytes, from: peer, now: now)
            case .there(let thread, _, _): if via == nil { handOver(bytes, from: peer, to: thread) }
            case nil: drop("stranger", peer, via: via)
            }
        }
    }

    /// - Parameter way: what it came on, if not as a datagram.
    func receiveCheck(
        _ bytes: UnsafeMutableRawBufferPointer, from peer: DatagramAddress, via: Int?, on way: StreamWay?, now: Duration
    ) {
        guard let check = try? STUNMessage(parsing: bytes.octets.span) else { return metrics.dropped("stun_malformed") }
        guard let fragment = check.localFragment(in: bytes.octets.span) else {
            return metrics.dropped("stun_no_request")
        }
        if let connection = byFragment[fragment] {
            return connection.receive(check, in: bytes, from: peer, via: via, on: way, now: now)
        }
        guard let found = table.find(fragment) else {
            if let way { refuse(way) }
            return drop("stun_unknown_fragment", peer, via: via)
        }
        guard found.key.verifies(check, in: bytes.octets.span) else { return metrics.dropped("stun_bad_integrity") }
        if let thread = found.thread, thread != index {
            guard via == nil else { return }
            if let way { return handOver(bytes, on: way, to: thread) }
            if !isHeld(peer, by: fragment, now: now) { routes[peer] = .there(thread, fragment, at: now) }
            return handOver(bytes, from: peer, to: thread)
        }
        guard let parked = table.adopt(fragment, by: index) else { return }
        adopt(parked, now: now).receive(check, in: bytes, from: peer, via: via, on: way, now: now)
    }

    /// What was handed over for a session that is gone meanwhile is not to come again.
    private func drop(_ reason: String, _ peer: DatagramAddress, via: Int?) {
        metrics.dropped(reason)
        if let via { disown(peer, via: via) }
    }

    private func handOver(_ bytes: UnsafeMutableRawBufferPointer, from peer: DatagramAddress, to thread: Int) {
        metrics.forwarded.add()
        let (copy, via) = (Array(bytes), index)
        threads.submit(to: thread) { loop, now in
            var copy = copy
            copy.withUnsafeMutableBytes { loop.receive($0, from: peer, via: via, now: now) }
        }
    }
}

// MARK: - Sessions

extension RealTimeLoop {
    private func adopt(_ parked: ParkedSession, now: Duration) -> SecureConnection {
        let connection = SecureConnection(parked, context: context(of: parked.identity), loop: self)
        connections[parked.id] = connection
        busy[parked.id] = connection
        for fragment in parked.ice.fragments { byFragment[fragment] = connection }
        return connection
    }

    /// The newest two identities are kept: the one of today, and that of sessions that were parked before midnight.
    private func context(of identity: DTLSIdentity) -> DTLSContext {
        if let known = contexts.first(where: { $0.identity == identity }) { return known.context }
        let context = DTLSContext(identity)
        contexts = contexts.suffix(1) + [(identity, context)]
        return context
    }

    /// An address is proven to be a connection's. Another one that was heard from it a moment ago keeps it: who checks can
    /// forge where he is.
    func admit(_ address: DatagramAddress, _ connection: SecureConnection, now: Duration) {
        if !isHeld(address, now: now) { routes[address] = .here(connection) }
    }

    /// Whether an address is somebody's who was heard from it a moment ago; of another thread's session by the checks that it
    /// gets, but for those by `fragment`.
    private func isHeld(_ address: DatagramAddress, by fragment: ICEFragment? = nil, now: Duration) -> Bool {
        switch routes[address] {
        case .here(let holder): holder.wasHeard(from: address, now: now)
        case .there(_, let holder, let heard): holder != fragment && now - heard < SecureConnection.presence
        case nil: false
        }
    }

    /// An address is a connection's no more; the thread that it comes to forgets it as well.
    func forget(_ address: DatagramAddress, via: Int?, of connection: SecureConnection) {
        if case .here(let holder)? = routes[address], holder === connection { routes[address] = nil }
        if let via { disown(address, via: via) }
    }

    /// The thread that an address comes to need not hand over what comes from it, if it is nobody's here.
    func disown(_ address: DatagramAddress, via: Int) {
        guard routes[address] == nil else { return }
        let thread = index
        threads.submit(to: via) { loop, _ in loop.forget(address, handedTo: thread) }
    }

    private func forget(_ address: DatagramAddress, handedTo thread: Int) {
        if case .there(let other, _, _)? = routes[address], other == thread { routes[address] = nil }
    }

    /// No check by this fragment is for its session any more.
    func retire(_ fragment: ICEFragment) {
        byFragment[fragment] = nil
        table.retire(fragment)
    }

    /// A connection has its keys.
    func connected(_ connection: SecureConnection, isBusy: Bool) {
        table.connected(connection.id)
        if !isBusy { busy[connection.id] = nil }
    }

    /// A connection is over.
    func remove(_ connection: SecureConnection) {
        connections[connection.id] = nil
        busy[connection.id] = nil
        for fragment in connection.fragments { byFragment[fragment] = nil }
        table.remove(connection.id)
    }

    /// Ends a session by somebody's wish.
    func close(_ id: SignalingSessionID, _ end: SessionEnd, now: Duration) { connections[id]?.close(end, now: now) }

    /// Gives a session's ICE new credentials.
    func restart(_ id: SignalingSessionID, _ credentials: ICELocalCredentials, now: Duration) {
        guard let connection = connections[id] else { return }
        byFragment[credentials.fragment] = connection
        connection.restart(credentials, now: now)
    }

    /// Has a viewer sent the layer that it asks for; nil for the best.
    func ask(_ id: SignalingSessionID, for layer: RenditionName?, now: Duration) {
        connections[id]?.ask(for: layer, now: now)
    }

    /// Asks the publisher of a stream for a random access point, if the session is here.
    func requestRandomAccess(_ id: SignalingSessionID, now: Duration) { connections[id]?.requestRandomAccess(now: now) }

    /// Ends all sessions: the node is going down.
    func closeAll(now: Duration) {
        for connection in Array(connections.values) { connection.close(.shutdown, now: now) }
    }
}

// MARK: - Streams

extension RealTimeLoop {
    /// The fan-out of a replica from this thread, begun with its first viewer.
    func fanout(of replica: StreamReplica, now: Duration) -> StreamFanout {
        if let known = fanouts[ObjectIdentifier(replica)] { return known }
        guard let mailbox else { preconditionFailure("made in init") }
        let fanout = StreamFanout(replica, mailbox: mailbox, loop: self, now: now)
        fanouts[ObjectIdentifier(replica)] = fanout
        return fanout
    }

    /// A fan-out has lost its last viewer.
    func remove(_ fanout: StreamFanout) { fanouts[ObjectIdentifier(fanout.replica)] = nil }

    /// A viewer has more to get than one slot takes.
    func isBehind(now: Duration) {
        guard !hasBehind else { return }
        hasBehind = true
        nextSlot = now + Self.slot
    }

    /// A transcoder made something of a stream's sound.
    func receive(sound units: [AccessUnit], of term: Term, for replica: StreamReplica, now: Duration) {
        fanouts[ObjectIdentifier(replica)]?.receive(sound: units, of: term, now: now)
    }

    private func wake(_ replica: StreamReplica, now: Duration) { fanouts[ObjectIdentifier(replica)]?.wake(now: now) }
}

// MARK: - Time

extension RealTimeLoop {
    var nextDeadline: Duration? {
        guard !connections.isEmpty else { return nil }
        var deadline = nextRound
        if !busy.isEmpty { deadline = min(deadline, nextStep) }
        return hasBehind ? min(deadline, nextSlot) : deadline
    }

    func tick(now: Duration) {
        if hasBehind, now >= nextSlot {
            hasBehind = false
            for fanout in Array(fanouts.values) { fanout.catchUp(now: now) }
        }
        if !busy.isEmpty, now >= nextStep {
            nextStep = now + Self.step
            for connection in Array(busy.values) { connection.tick(now: now) }
        }
        if !connections.isEmpty, now >= nextRound {
            nextRound = now + Self.round
            for connection in Array(connections.values) { connection.tick(now: now) }
        }
    }

    /// How long a viewer that is behind waits for the next burst.
    private static let slot: Duration = .milliseconds(5)
    /// How often handshakes and publishers are looked after: less than the shortest wait for a packet.
    private static let step: Duration = .milliseconds(10)
    /// How often viewers are looked after: their reports are a second apart.
    private static let round: Duration = .milliseconds(100)
}
