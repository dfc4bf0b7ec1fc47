// SPDX-License-Identifier: Apache-2.0

import Objects

/// Writes of one playlist, one at a time. It is rendered when it is written, so of all changes that came meanwhile only the
/// newest is ever sent.
struct DocumentLane {
    /// What the playlist should say; grows with each change.
    private var wanted = 0
    /// What the stored one says.
    private(set) var stored = 0
    private var writing: Int?
    /// What the stored one must say before others may refer to it.
    private var due = 1
    private var failures = 0
    private var retryAt: Duration?

    /// The playlist has to change.
    mutating func want() { wanted += 1 }

    /// Whether a write is due.
    func isDue(now: Duration) -> Bool { stored < wanted && writing == nil && (retryAt ?? now) <= now }

    /// Whether nobody has wanted it yet.
    var isNew: Bool { wanted == 0 }

    /// Whether others may refer to what is stored.
    var isReady: Bool { stored >= due }

    /// Whether what is wanted is stored.
    var isIdle: Bool { stored == wanted }

    /// When the next attempt is due, if one waits.
    var deadline: Duration? { writing == nil && stored < wanted ? retryAt : nil }

    /// A write begins.
    mutating func begin() { writing = wanted }

    /// The write succeeded.
    /// - Parameter isEmpty: whether there was nothing to be written, and so there is nothing to refer to.
    mutating func succeed(isEmpty: Bool = false) {
        stored = writing ?? stored
        (writing, failures, retryAt) = (nil, 0, nil)
        if isEmpty { due = max(due, stored + 1) }
    }

    /// It may have another name from now on: what is stored, or on its way, is nothing to refer to any more.
    mutating func rename() {
        guard !isNew else { return }
        want()
        due = wanted
    }

    /// The write failed, and is tried again.
    mutating func fail(
        asked: Duration?, _ schedule: RetrySchedule, now: Duration, using random: inout some RandomNumberGenerator
    ) {
        writing = nil
        failures += 1
        retryAt = now + schedule.delay(after: failures, asked: asked, using: &random)
    }
}
