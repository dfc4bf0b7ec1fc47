// SPDX-License-Identifier: Apache-2.0

import CLinuxIO
import Glibc
import Swarm

/// One peer that behaves badly, over one connection after the other. It is looked at by the clock only: thousands that read
/// a byte a second need no more.
struct TroublePeer {
    private let plan: TroublePlan
    private let target: TroublePlan.Target
    private let source: SocketName?
    private var socket: Int32 = -1
    private var phase = Phase.away
    /// When to look at it next.
    private(set) var due: Duration

    private enum Phase {
        /// Exit: connecting.
        case away
        /// Exits: away, open.
        case connecting
        /// Since when. Exit: away.
        case open(Duration)
    }

    init(_ plan: TroublePlan, number: Int) {
        self.plan = plan
        target = plan.targets[number % plan.targets.count]
        source = plan.sources.isEmpty ? nil : plan.sources[number % plan.sources.count]
        due = plan.beginning + plan.ramp * number / plan.count
    }

    mutating func tick(now: Duration, tally: inout TroubleTally) {
        switch phase {
        case .away: connect(now, &tally)
        case .connecting: greet(now, &tally)
        case .open(let since): read(now, since, &tally)
        }
    }

    /// The run is over.
    mutating func finish(now: Duration, tally: inout TroubleTally) {
        if case .open(let since) = phase {
            tally.open += 1
            tally.oldest = max(tally.oldest, now - since)
        }
        close(now)
    }

    private mutating func connect(_ now: Duration, _ tally: inout TroubleTally) {
        let flags = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
        socket = Glibc.socket(target.name.family, flags, 0)
        guard socket >= 0 else { return refuse(now, &tally) }
        // What the kernel would take for a slow reader must stay with the server.
        if plan.trouble == .slow { set(SO_RCVBUF, of: SOL_SOCKET, to: 1024) }
        if let source, source.family == target.name.family {
            set(Int32(MILLRACE_IP_BIND_ADDRESS_NO_PORT), of: Int32(IPPROTO_IP), to: 1)
            _ = source.withAddress { bind(socket, $0, $1) }
        }
        let result = target.name.withAddress { Glibc.connect(socket, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else { return refuse(now, &tally) }
        phase = .connecting
        due = now + Self.moment
    }

    private mutating func greet(_ now: Duration, _ tally: inout TroubleTally) {
        var state = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
        guard poll(&state, 1, 0) > 0 else { return due = now + Self.moment }
        var (error, size): (Int32, socklen_t) = (0, socklen_t(MemoryLayout<Int32>.size))
        guard getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0, error == 0 else {
            return refuse(now, &tally)
        }
        tally.opened += 1
        let greeting = plan.trouble.greeting(target.address)
        if !greeting.isEmpty { _ = send(socket, greeting, greeting.count, Int32(MSG_NOSIGNAL)) }
        phase = .open(now)
        due = now + Self.second
    }

    private mutating func read(_ now: Duration, _ since: Duration, _ tally: inout TroubleTally) {
        due = now + Self.second
        let count = withUnsafeTemporaryAllocation(byteCount: plan.trouble.appetite, alignment: 1) { buffer in
            recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        }
        if count > 0 { return tally.bytes += count }
        guard count == 0 || errno != EAGAIN else { return }
        tally.closed += 1
        tally.closedTimes.add(now - since)
        close(now)
    }

    private mutating func refuse(_ now: Duration, _ tally: inout TroubleTally) {
        tally.refused += 1
        close(now)
    }

    /// It comes again.
    private mutating func close(_ now: Duration) {
        if socket >= 0 { Glibc.close(socket) }
        socket = -1
        phase = .away
        due = now + Self.second
    }

    private func set(_ option: Int32, of level: Int32, to value: Int32) {
        var value = value
        setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private static let second: Duration = .seconds(1)
    private static let moment: Duration = .milliseconds(50)
}

/// What the peers of a run do.
struct TroublePlan: Sendable {
    /// Where they go, in turns.
    struct Target: Sendable {
        let address: HTTPAddress
        let name: SocketName
    }

    let trouble: Trouble
    let targets: [Target]
    let sources: [SocketName]
    let count: Int
    let beginning: Duration
    let ramp: Duration
    let length: Duration

    /// Runs all of them on the calling thread, to the end.
    func run() -> TroubleTally {
        var tally = TroubleTally()
        var peers = (0..<count).map { TroublePeer(self, number: $0) }
        var now = Duration.sinceBoot
        while now < beginning + length, !Interrupt.isAsked {
            for index in peers.indices where peers[index].due <= now { peers[index].tick(now: now, tally: &tally) }
            usleep(5000)
            now = .sinceBoot
        }
        for index in peers.indices { peers[index].finish(now: now, tally: &tally) }
        return tally
    }
}
