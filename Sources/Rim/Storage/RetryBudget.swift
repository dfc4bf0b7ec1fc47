// SPDX-License-Identifier: Apache-2.0

/// How much more than its share a store is asked when it fails: each operation earns half a retry, and each retry or hedge
/// costs one. So a store that is down is asked one and a half times as often as one that works, and not `attempts` times.
struct RetryBudget {
    private var halves = Self.most

    /// An operation began.
    mutating func earn() { halves = min(Self.most, halves + 1) }

    /// Takes a retry; false where none is left.
    mutating func spend() -> Bool {
        guard halves >= 2 else { return false }
        halves -= 2
        return true
    }

    /// Twenty retries.
    private static let most = 40
}
