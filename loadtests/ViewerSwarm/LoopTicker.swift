// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// One timer for all members of a loop: thousands of timers of their own would cost more than what they do.
final class LoopTicker {
    private let eventLoop: any EventLoop
    private let interval: Duration
    private let members: [any SwarmMember]
    private let noteLag: (Duration) -> Void
    private var isStopped = false

    /// - Parameter noteLag: is told how late each tick is.
    init(
        eventLoop: any EventLoop, interval: Duration, members: [any SwarmMember],
        noteLag: @escaping (Duration) -> Void
    ) {
        self.noteLag = noteLag
        self.eventLoop = eventLoop
        self.interval = interval
        self.members = members
    }

    /// Ticks from now on, at even distances; a tick that comes late does not move the next.
    func start() { schedule(NIODeadline.now()) }

    func stop() { isStopped = true }

    private func schedule(_ deadline: NIODeadline) {
        eventLoop.assumeIsolatedUnsafeUnchecked().scheduleTask(deadline: deadline) { [self] in
            guard !isStopped else { return }
            let now = Duration.sinceBoot
            noteLag(.nanoseconds((NIODeadline.now() - deadline).nanoseconds))
            for member in members { member.tick(now: now) }
            schedule(max(deadline + TimeAmount(interval), NIODeadline.now()))
        }
    }
}

extension Duration {
    /// The monotonic clock, read now.
    static var sinceBoot: Duration { .nanoseconds(Int64(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds)) }
}
