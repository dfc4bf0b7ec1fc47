// SPDX-License-Identifier: Apache-2.0

import Cluster
import Glibc
import Swarm

/// One stream on its way to a WHIP server: the shell around a `WHIPPublisherSession`, with a UDP socket of its own.
final class WHIPPublisher: SocketHandler {
    private unowned let swarm: WHIPSwarm
    private var session: WHIPPublisherSession?
    private let beginning: Duration
    private var isBegun = false
    private var directives: [WHIPPublisherSession.Directive] = []
    private var datagrams: [[UInt8]] = []
    private var socket: Int32 = -1
    private var family: Int32 = 0
    private var exchange: HTTPExchange?

    init(_ swarm: WHIPSwarm, at address: HTTPAddress, beginning: Duration) {
        self.swarm = swarm
        self.beginning = beginning
        session = WHIPPublisherSession(
            WHEPSignaling(address, token: swarm.plan.token), pictures: swarm.plan.pictures,
            source: .random(in: 1..<UInt32.max), context: swarm.context)
    }

    /// Whether it has no session any more.
    var isIdle: Bool { session == nil }

    func tick(now: Duration) {
        guard beginning <= now else { return }
        if !isBegun {
            isBegun = true
            session?.start(now: now, using: &swarm.random, into: &directives)
        } else if let due = session?.nextDeadline, due <= now {
            session?.tick(now: now, using: &swarm.random, into: &directives)
        }
        obey(now: now)
        publish(now: now)
    }

    /// Ends the stream.
    func finish(now: Duration) {
        session?.leave(now: now, into: &directives)
        obey(now: now)
    }

    func ready(isWritable: Bool) {
        let now = Duration.sinceBoot
        _ = swarm.reader.read(socket) { bytes, source in
            session?.receive(bytes, from: source, now: now, into: &directives)
        }
        obey(now: now)
    }

    /// Sends what is due of the clip.
    private func publish(now: Duration) {
        while let due = session?.due, due <= now, let address = session?.address {
            let (sent, late) = (Duration.sinceBoot, now - due)
            swarm.tally.lateness.add(late)
            let stamp = swarm.plan.isStamped ? FrameStamp.time(now: sent, late: late, step: WHIPSwarm.step) : nil
            session?.next(stamp: stamp, now: now, into: &datagrams)
            for datagram in datagrams { count(send(datagram, address, now: now)) }
            datagrams.removeAll(keepingCapacity: true)
        }
    }

    private func count(_ sent: Int) {
        swarm.tally.messages += sent < 0 ? 0 : 1
        swarm.tally.bytes += max(sent, 0)
        swarm.tally.blockedTicks += sent < 0 ? 1 : 0
    }
}

// MARK: - Directives

extension WHIPPublisher {
    /// Obeys every directive in order; those that one of them brings come after it.
    private func obey(now: Duration) {
        var next = 0
        while next < directives.count {
            switch directives[next] {
            case .end: end()
            case .fail(let fault): swarm.tally.failures[fault.rawValue, default: 0] += 1
            case .publish: swarm.tally.published += 1
            case .request(let request): ask(request, now: now)
            case .send(let datagram, let endpoint): _ = send(datagram, endpoint, now: now)
            }
            next += 1
        }
        directives.removeAll(keepingCapacity: true)
    }

    private func end() {
        session = nil
        exchange?.cancel()
        exchange = nil
        if socket >= 0 { swarm.poll.end(socket) }
        socket = -1
    }

    private func ask(_ request: HTTPRequest, now: Duration) {
        exchange?.cancel()
        exchange = swarm.names[request.address].flatMap { name in
            HTTPExchange(request, to: name, poll: swarm.poll, security: swarm.security) { [unowned self] result in
                answered(result)
            }
        }
        if exchange == nil { session?.fail(.connection, now: now, into: &directives) }
    }

    private func answered(_ result: Result<HTTPAnswer, PlayFault>) {
        let now = Duration.sinceBoot
        exchange = nil
        switch result {
        case .failure(let fault): session?.fail(fault, now: now, into: &directives)
        case .success(let answer):
            session?.receive(answer, now: now, using: &swarm.random, into: &directives)
        }
        obey(now: now)
    }

    /// - Returns: how many bytes the kernel took; below 0 for none.
    private func send(_ datagram: [UInt8], _ endpoint: Endpoint, now: Duration) -> Int {
        let name = SocketName(endpoint)
        if socket < 0 { openSocket(name.family, now: now) }
        guard socket >= 0, family == name.family else { return -1 }
        return name.withAddress { address, length in
            sendto(socket, datagram, datagram.count, Int32(MSG_DONTWAIT), address, length)
        }
    }

    private func openSocket(_ family: Int32, now: Duration) {
        guard let opened = DatagramReader.open(family) else {
            return session?.fail(.machine, now: now, into: &directives) ?? ()
        }
        socket = opened
        self.family = family
        swarm.poll.watch(socket, self)
    }
}
