// SPDX-License-Identifier: Apache-2.0

public import Media

/// The newest events of a node, numbered from 1. The oldest make room for new ones.
public struct EventRing: Sendable {
    /// The event of number n is at (n − 1) modulo the capacity.
    private var slots: [ClusterEvent] = []
    private let capacity: Int
    /// The number of the newest event; 0 before the first.
    public private(set) var newest: UInt64 = 0

    /// A ring that remembers `capacity` events, at least one.
    public init(capacity: Int) {
        precondition(capacity > 0, "a ring of \(capacity) events remembers nothing")
        self.capacity = capacity
    }

    /// Remembers a change that was heard of at `time`.
    public mutating func append(_ change: ClusterEvent.Change, at time: WallTime) {
        newest += 1
        let event = ClusterEvent(number: newest, time: time, change: change)
        if slots.count < capacity { slots.append(event) } else { slots[slot(of: newest)] = event }
    }

    /// The events above `number` that are still remembered, oldest first.
    ///
    /// A number above the newest comes from an earlier life of the node: whoever asks with it is told everything.
    public func events(after number: UInt64) -> [ClusterEvent] {
        let forgotten = newest - UInt64(slots.count)
        let last = number > newest ? forgotten : max(number, forgotten)
        return (last..<newest).map { slots[slot(of: $0 + 1)] }
    }

    private func slot(of number: UInt64) -> Int { Int((number - 1) % UInt64(capacity)) }
}
