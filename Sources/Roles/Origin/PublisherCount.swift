// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many publishers are connected to a node, against how many may be. Any thread may call.
final class PublisherCount: Sendable {
    private let count = Atomic(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Publishers connected now.
    var value: Int { count.load(ordering: .relaxed) }

    /// Counts one more publisher; false, and nothing counted, where there are as many as may be.
    func enter() -> Bool {
        guard count.wrappingAdd(1, ordering: .relaxed).newValue <= limit else {
            leave()
            return false
        }
        return true
    }

    /// A publisher that was counted is gone.
    func leave() { count.wrappingSubtract(1, ordering: .relaxed) }
}
