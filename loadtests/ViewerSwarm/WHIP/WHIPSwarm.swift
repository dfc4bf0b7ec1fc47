// SPDX-License-Identifier: Apache-2.0

import SecureMedia
import Swarm

/// All WHIP publishers of one thread: they share what they read with, whom they are in DTLS, and what they count.
final class WHIPSwarm {
    let plan: WHIPPlan
    var tally = PublisherTally()
    var random = SystemRandomNumberGenerator()
    let poll = SocketPoll()
    let reader = DatagramReader()
    let names = ServerNames()
    let context: DTLSContext
    /// What connections of `https` have in common; made with the first.
    private(set) lazy var security = TLSContext()

    init(_ plan: WHIPPlan) {
        self.plan = plan
        context = DTLSContext(plan.identity)
    }

    /// Runs the publishers of one thread of so many, from now until the plan's end, and lets them leave.
    func run(thread: Int, of threads: Int) -> PublisherTally {
        let publishers = stride(from: thread, to: plan.addresses.count, by: threads).map { index in
            WHIPPublisher(
                self, at: plan.addresses[index],
                beginning: plan.beginning + plan.ramp * index / plan.addresses.count)
        }
        turn(publishers) { $0 >= plan.beginning + plan.length || Interrupt.isAsked }
        let now = Duration.sinceBoot
        for publisher in publishers { publisher.finish(now: now) }
        turn(publishers) { $0 >= now + Self.goodbye || publishers.allSatisfy(\.isIdle) }
        return tally
    }

    private func turn(_ publishers: [WHIPPublisher], until isDone: (Duration) -> Bool) {
        var due = Duration.sinceBoot
        while true {
            let now = Duration.sinceBoot
            if now >= due {
                tally.lags.add(now - due, every: Self.step)
                if isDone(now) { return }
                for publisher in publishers { publisher.tick(now: now) }
                due = now + Self.step
            }
            poll.turn(atMost: max(due - .sinceBoot, .zero))
        }
    }

    /// How often it is looked at what is due.
    static let step: Duration = .milliseconds(5)
    private static let goodbye: Duration = .seconds(6)
}

/// What the publishers of a run do.
struct WHIPPlan: Sendable {
    let identity: DTLSIdentity
    /// The endpoint of each stream.
    let addresses: [HTTPAddress]
    let token: String?
    let pictures: ClipPictures
    let isStamped: Bool
    let beginning: Duration
    let length: Duration
    let ramp: Duration
}
