// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import Swarm

/// One viewer: the shell around an `HLSViewerSession`, with a connection for each of its lanes.
final class HLSViewer: SwarmMember {
    private let target: HLSTarget
    private let eventLoop: any EventLoop
    private let tally: Shared<ViewerTally>
    private let beginning: Duration
    private var session: HLSViewerSession
    private var lanes: [HTTPLane?]
    private var directives: [HLSViewerSession.Directive] = []
    private var phase = Phase.waiting

    private enum Phase {
        /// Until its place in the ramp. Exits: watching, over.
        case waiting
        /// Exit: over.
        case watching
        /// Silent.
        case over
    }

    init(
        _ target: HLSTarget, settings: HLSViewerSettings, eventLoop: any EventLoop, tally: Shared<ViewerTally>,
        beginning: Duration
    ) {
        self.target = target
        self.eventLoop = eventLoop
        self.tally = tally
        self.beginning = beginning
        session = HLSViewerSession(target.location, settings: settings)
        lanes = Array(repeating: nil, count: settings.connections)
    }

    func tick(now: Duration) {
        switch phase {
        case .waiting where beginning <= now:
            phase = .watching
            session.start(now: now, into: &directives)
            obey()
        case .watching:
            guard let deadline = session.nextDeadline, deadline <= now else { return }
            session.tick(now: now, tally: &tally.value, into: &directives)
            obey()
        case .over, .waiting: break
        }
    }

    func finish() {
        phase = .over
        for lane in lanes { lane?.close() }
    }

    /// Obeys every directive in order; those that an answer to one brings come after it.
    private func obey() {
        var next = 0
        while next < directives.count {
            switch directives[next] {
            case .close(let lane):
                lanes[lane]?.close()
                lanes[lane] = nil
            case .end: finish()
            case .get(let request, let lane): get(request, lane)
            }
            next += 1
        }
        directives.removeAll(keepingCapacity: true)
    }

    private func get(_ request: HLSRequest, _ number: Int) {
        if let lane = lanes[number] { return lane.send(request) }
        let lane = HTTPLane(self, number: number, authority: target.location.authority)
        lanes[number] = lane
        lane.send(request)
        let handler = NIOLoopBound(lane, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(handler.value)
                }
            }
            .connect(to: target.address)
            .whenFailure { _ in handler.value.viewer?.lost(handler.value, .connection) }
    }
}

// MARK: - What lanes tell

extension HLSViewer {
    func receive(_ answer: HTTPAnswer, on lane: HTTPLane) {
        guard case .watching = phase, lanes[lane.number] === lane else { return }
        if answer.isLast { lanes[lane.number] = nil }
        session.receive(answer, lane: lane.number, now: .sinceBoot, tally: &tally.value, into: &directives)
        obey()
    }

    func lost(_ lane: HTTPLane, _ fault: HLSFault) {
        guard case .watching = phase, lanes[lane.number] === lane else { return }
        lanes[lane.number] = nil
        session.fail(fault, lane: lane.number, now: .sinceBoot, tally: &tally.value, into: &directives)
        obey()
    }
}
