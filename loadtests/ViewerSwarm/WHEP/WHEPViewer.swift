// SPDX-License-Identifier: Apache-2.0

import Cluster
import Glibc
import Swarm

/// One place among the viewers: the shell around a `WHEPViewerSession` after the other, with a UDP socket for each.
final class WHEPViewer: SocketHandler {
    private unowned let swarm: WHEPSwarm
    private let number: Int
    private var session: WHEPViewerSession?
    private var directives: [WHEPViewerSession.Directive] = []
    private var socket: Int32 = -1
    private var family: Int32 = 0
    private var exchange: HTTPExchange?
    private var dropped = 0
    /// When to join; nil where it has joined, or does not again.
    private var joins: Duration?
    /// When to leave; nil for with the run's end.
    private var leaves: Duration?

    init(_ swarm: WHEPSwarm, number: Int, beginning: Duration) {
        self.swarm = swarm
        self.number = number
        joins = beginning
    }

    /// Whether it has no session.
    var isIdle: Bool { session == nil }

    func tick(now: Duration) {
        if let joins, joins <= now { return join(due: joins, now: now) }
        if let leaves, leaves <= now { return leave(now: now) }
        guard let due = session?.nextDeadline, due <= now else { return }
        session?.tick(now: now, using: &swarm.random, tally: &swarm.tally, into: &directives)
        obey(now: now)
    }

    /// Leaves, and does not come again.
    func finish(now: Duration) {
        joins = nil
        leave(now: now)
    }

    func ready(isWritable: Bool) {
        let now = Duration.sinceBoot
        let opensAll = session?.opensAll ?? false
        let count = swarm.reader.read(socket) { bytes, source in
            session?.receive(bytes, from: source, now: now, tally: &swarm.tally, into: &directives)
        }
        if let count {
            // Who only counts what comes misses nothing, and what was dropped there must not excuse what others miss.
            if opensAll { swarm.tally.overrunPackets += count - dropped }
            dropped = count
        }
        obey(now: now)
    }

    private func join(due: Duration, now: Duration) {
        joins = nil
        leaves = swarm.plan.stay.map { now + $0 }
        session = swarm.session(number)
        session?.start(now: now, due: due, using: &swarm.random, tally: &swarm.tally, into: &directives)
        obey(now: now)
    }

    private func leave(now: Duration) {
        leaves = nil
        session?.leave(now: now, tally: &swarm.tally, into: &directives)
        obey(now: now)
    }

    private func end(now: Duration) {
        session = nil
        leaves = nil
        exchange?.cancel()
        exchange = nil
        closeSocket()
        if swarm.plan.stay != nil { joins = now + Self.pause }
    }

    /// What lets a server that refuses everybody breathe.
    private static let pause: Duration = .milliseconds(10)
}

// MARK: - Directives

extension WHEPViewer {
    /// Obeys every directive in order; those that one of them brings come after it.
    private func obey(now: Duration) {
        var next = 0
        while next < directives.count {
            switch directives[next] {
            case .end: end(now: now)
            case .request(let request): ask(request, now: now)
            case .send(let datagram, let endpoint): send(datagram, endpoint, now: now)
            }
            next += 1
        }
        directives.removeAll(keepingCapacity: true)
    }

    private func ask(_ request: HTTPRequest, now: Duration) {
        exchange?.cancel()
        exchange = swarm.names[request.address].flatMap { name in
            HTTPExchange(request, to: name, poll: swarm.poll, security: swarm.security) { [unowned self] result in
                answered(result)
            }
        }
        if exchange == nil { session?.fail(.connection, now: now, tally: &swarm.tally, into: &directives) }
    }

    private func answered(_ result: Result<HTTPAnswer, PlayFault>) {
        let now = Duration.sinceBoot
        exchange = nil
        switch result {
        case .failure(let fault): session?.fail(fault, now: now, tally: &swarm.tally, into: &directives)
        case .success(let answer):
            session?.receive(answer, now: now, using: &swarm.random, tally: &swarm.tally, into: &directives)
        }
        obey(now: now)
    }

    private func send(_ datagram: [UInt8], _ endpoint: Endpoint, now: Duration) {
        let name = SocketName(endpoint)
        if socket < 0 { openSocket(name.family, now: now) }
        guard socket >= 0, family == name.family else { return }
        _ = name.withAddress { address, length in
            sendto(socket, datagram, datagram.count, Int32(MSG_DONTWAIT), address, length)
        }
    }

    private func openSocket(_ family: Int32, now: Duration) {
        guard let opened = DatagramReader.open(family) else {
            return session?.fail(.machine, now: now, tally: &swarm.tally, into: &directives) ?? ()
        }
        socket = opened
        self.family = family
        dropped = 0
        swarm.poll.watch(socket, self)
    }

    private func closeSocket() {
        guard socket >= 0 else { return }
        swarm.poll.end(socket)
        socket = -1
    }
}
