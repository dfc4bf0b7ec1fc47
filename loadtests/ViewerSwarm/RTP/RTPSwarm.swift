// SPDX-License-Identifier: Apache-2.0

import Cluster
import Swarm

/// All viewers of plain RTP of one thread.
final class RTPSwarm {
    var tally = PlayTally()
    let poll = SocketPoll()
    let reader = DatagramReader()
    private let plan: RTPPlan

    init(_ plan: RTPPlan) { self.plan = plan }

    /// Runs the viewers of one thread of so many, from now until the plan's end.
    func run(thread: Int, of threads: Int) -> PlayTally {
        let viewers = stride(from: thread, to: plan.viewers, by: threads).map { index in
            RTPViewer(self, at: plan.place(of: index), due: plan.beginning)
        }
        turn(thread, present: viewers.count)
        let now = Duration.sinceBoot
        for viewer in viewers { viewer.leave(now: now) }
        return tally
    }

    private func turn(_ thread: Int, present: Int) {
        var (due, nextNote) = (Duration.sinceBoot, plan.beginning + PlayProgressBoard.interval)
        while true {
            let now = Duration.sinceBoot
            if now >= due {
                tally.lags.add(now - due, every: Self.interval)
                if now >= nextNote {
                    nextNote = now + PlayProgressBoard.interval
                    let progress = PlayProgress(tally, present: present, time: now - plan.beginning)
                    plan.board.note(progress, thread: thread)
                }
                if now >= plan.beginning + plan.length || Interrupt.isAsked { return }
                due = now + Self.interval
            }
            poll.turn(atMost: max(due - .sinceBoot, .zero))
        }
    }

    private static let interval: Duration = .milliseconds(5)
}

/// What the viewers of a run do.
struct RTPPlan: Sendable {
    /// Where packets of the first viewer go; those of the others go to the ports behind it.
    let first: Endpoint
    let viewers: Int
    let beginning: Duration
    let length: Duration
    let board: PlayProgressBoard

    /// How long it has gone on.
    var passed: Duration { min(length, Duration.sinceBoot - beginning) }

    func place(of number: Int) -> Endpoint {
        Endpoint(address: first.address, port: first.port &+ UInt16(truncatingIfNeeded: number))
    }
}
