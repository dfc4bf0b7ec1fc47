// SPDX-License-Identifier: Apache-2.0

/// How long to wait before the next attempt: a random time of up to a bound that doubles with every failure ("full
/// jitter"), so that a server that comes back is not met by all nodes at once.
struct Backoff {
    private var failures = 0
    private var next: Duration = .zero

    /// Whether the wait is over.
    func isOver(now: Duration) -> Bool { now >= next }

    /// An attempt failed.
    mutating func failed(now: Duration, using random: inout some RandomNumberGenerator) {
        let bound = min(Self.longest, Self.first * (1 << min(failures, 10)))
        failures += 1
        next = now + bound * Double.random(in: 0...1, using: &random)
    }

    /// An attempt succeeded, or another node's did: the next is due at once.
    mutating func reset() { self = Backoff() }

    private static let first: Duration = .milliseconds(200)
    private static let longest: Duration = .seconds(2)
}
