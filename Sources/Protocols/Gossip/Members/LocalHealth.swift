// SPDX-License-Identifier: Apache-2.0

/// How well this node itself keeps up, 0 (well) upward: Lifeguard's local health multiplier. A node that misses answers
/// may be the one that is slow, so it probes less often until it is answered again.
struct LocalHealth: Hashable, Sendable {
    private(set) var score = 0
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Worse by a positive `change`, better by a negative one, between 0 and the limit less one.
    mutating func change(by change: Int) { score = min(max(score + change, 0), limit - 1) }

    /// An interval as this health stretches it.
    func stretched(_ interval: Duration) -> Duration { score == 0 ? interval : interval * (score + 1) }
}
