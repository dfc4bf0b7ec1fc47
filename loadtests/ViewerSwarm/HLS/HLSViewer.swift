// SPDX-License-Identifier: Apache-2.0

import Cluster
import Swarm

/// One place among the viewers: the shell around an `HLSViewerSession` after the other, with a connection for each of its
/// lanes.
final class HLSViewer {
    unowned let swarm: HLSSwarm
    private let number: Int
    private var session: HLSViewerSession?
    private var lanes: [HTTPLane?] = Array(repeating: nil, count: HLSViewerSession.lanes)
    private var directives: [HLSViewerSession.Directive] = []
    /// When the session wants to be looked at, though nothing came: kept here, as thousands are asked fifty times a second.
    private var due: Duration?
    /// When to join; nil where it has joined, or does not again.
    private var joins: Duration?
    /// When to leave; nil for with the run's end.
    private var leaves: Duration?

    init(_ swarm: HLSSwarm, number: Int, beginning: Duration) {
        self.swarm = swarm
        self.number = number
        joins = beginning
    }

    /// What it does now; nil where it is not there.
    func activity(now: Duration) -> HLSViewerSession.Activity? { session?.activity(now: now) }

    /// Adds how far behind it is.
    func measure(now: Duration) { session?.measure(now: now, commons: &swarm.commons) }

    func tick(now: Duration) {
        if let joins, joins <= now { return join(due: joins, now: now) }
        if let leaves, leaves <= now { return leave(now: now) }
        guard let due, due <= now else { return }
        session?.tick(now: now, commons: &swarm.commons, into: &directives)
        obey(now: now)
    }

    /// Leaves, and does not come again.
    func finish(now: Duration) {
        joins = nil
        session?.finish(now: now, commons: &swarm.commons)
        end()
    }

    private func join(due: Duration, now: Duration) {
        joins = nil
        leaves = swarm.stay().map { now + $0 }
        session = HLSViewerSession(
            swarm.target(of: number), settings: swarm.plan.settings, chance: swarm.chance())
        session?.start(now: now, due: due, commons: &swarm.commons, into: &directives)
        obey(now: now)
    }

    private func leave(now: Duration) {
        session?.finish(now: now, commons: &swarm.commons)
        end()
        joins = now + Self.pause
    }

    private func end() {
        leaves = nil
        due = nil
        session = nil
        for lane in lanes.indices { close(lane) }
    }

    /// What lets a server that refuses everybody breathe.
    private static let pause: Duration = .milliseconds(10)
}

// MARK: - Directives

extension HLSViewer {
    /// Obeys every directive in order; those that one of them brings come after it.
    private func obey(now: Duration) {
        var next = 0
        while next < directives.count {
            switch directives[next] {
            case .close(let lane): close(lane)
            case .end: end()
            case .get(let request, let lane): get(request, lane, now)
            }
            next += 1
        }
        directives.removeAll(keepingCapacity: true)
        due = session?.nextDeadline
    }

    private func close(_ lane: Int) {
        lanes[lane]?.close()
        lanes[lane] = nil
    }

    private func get(_ request: HLSRequest, _ number: Int, _ now: Duration) {
        if let lane = lanes[number], !lane.server.isOfServer(of: request.address) { close(number) }
        if let lane = lanes[number] { return lane.send(request) }
        guard let name = swarm.names[request.address],
            let lane = HTTPLane(
                self, number: number, to: request.address, at: name, from: swarm.source(of: self.number))
        else {
            session?.fail(.machine, lane: number, now: now, commons: &swarm.commons, into: &directives)
            return
        }
        lanes[number] = lane
        lane.send(request)
    }
}

// MARK: - What lanes tell

extension HLSViewer {
    func receive(_ answer: HTTPAnswer, on lane: HTTPLane) {
        guard lanes[lane.number] === lane else { return }
        if answer.isLast { close(lane.number) }
        let now = Duration.sinceBoot
        session?.receive(answer, lane: lane.number, now: now, commons: &swarm.commons, into: &directives)
        obey(now: now)
    }

    func lost(_ lane: HTTPLane, _ fault: HLSFault) {
        guard lanes[lane.number] === lane else { return }
        lanes[lane.number] = nil
        let now = Duration.sinceBoot
        session?.fail(fault, lane: lane.number, now: now, commons: &swarm.commons, into: &directives)
        obey(now: now)
    }
}
