// SPDX-License-Identifier: Apache-2.0

import Media
import SecureMedia
import Swarm
import WebRTC

/// All WHEP viewers of one thread: they share what they read with, whom they are in DTLS, and what they count.
final class WHEPSwarm {
    var plan: WHEPPlan
    var tally = PlayTally()
    var random = SystemRandomNumberGenerator()
    let poll = SocketPoll()
    let reader = DatagramReader()
    let names = ServerNames()
    /// What connections of `https` have in common; made with the first.
    private(set) lazy var security = TLSContext()
    private let context: DTLSContext
    private var nextNote: Duration

    init(_ plan: WHEPPlan) {
        self.plan = plan
        context = DTLSContext(plan.identity)
        nextNote = plan.beginning + PlayProgressBoard.interval
    }

    /// Runs the viewers of one thread of so many, from now until the plan's end, and lets them leave.
    func run(thread: Int, of threads: Int) -> PlayTally {
        let viewers = stride(from: thread, to: plan.viewers, by: threads).map { index in
            WHEPViewer(self, number: index, beginning: plan.beginning + plan.ramp * index / plan.viewers)
        }
        let (middle, end) = (plan.beginning + plan.settle, plan.beginning + plan.length)
        turn(viewers, thread) { $0 >= min(middle, end) || Interrupt.isAsked }
        tally.settle()
        turn(viewers, thread) { $0 >= end || Interrupt.isAsked }
        plan.stay = nil
        let now = Duration.sinceBoot
        for viewer in viewers { viewer.finish(now: now) }
        turn(viewers, thread) { $0 >= now + Self.goodbye || viewers.allSatisfy(\.isIdle) }
        return tally
    }

    /// A session of the viewer of this number.
    func session(_ number: Int) -> WHEPViewerSession {
        WHEPViewerSession(plan.signaling(number), context: context, setup: plan.setup, isWhole: plan.isWhole(number))
    }

    private func turn(_ viewers: [WHEPViewer], _ thread: Int, until isDone: (Duration) -> Bool) {
        var due = Duration.sinceBoot
        while true {
            let now = Duration.sinceBoot
            if now >= due {
                tally.lags.add(now - due, every: Self.interval)
                if isDone(now) { return }
                for viewer in viewers { viewer.tick(now: now) }
                note(viewers, thread, now: now)
                due = now + Self.interval
            }
            poll.turn(atMost: max(due - .sinceBoot, .zero))
        }
    }

    private func note(_ viewers: [WHEPViewer], _ thread: Int, now: Duration) {
        guard now >= nextNote else { return }
        nextNote = now + PlayProgressBoard.interval
        let present = viewers.count { !$0.isIdle }
        plan.board.note(PlayProgress(tally, present: present, time: now - plan.beginning), thread: thread)
    }

    private static let interval: Duration = .milliseconds(5)
    private static let goodbye: Duration = .seconds(6)
}

/// What the viewers of a run do.
struct WHEPPlan: Sendable {
    let identity: DTLSIdentity
    let setup: DTLSSetup
    let viewers: Int
    let beginning: Duration
    let length: Duration
    /// From when on packets count as steady, after the beginning.
    let settle: Duration
    let ramp: Duration
    /// How long one stays before another comes in its place; nil for to the end.
    var stay: Duration?
    /// Where it is said how the run goes.
    let board: PlayProgressBoard
    /// Whether the viewer of a number opens all that it gets.
    let isWhole: @Sendable (Int) -> Bool
    let signaling: @Sendable (Int) -> any ViewerSignaling

    /// How long it has gone on.
    var passed: Duration { min(length, Duration.sinceBoot - beginning) }
}
