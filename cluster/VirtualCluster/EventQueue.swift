// SPDX-License-Identifier: Apache-2.0

/// What is to happen, by time, and at one time by the order in which it was planned.
struct EventQueue<Event> {
    private struct Key {
        let time: Duration
        let sequence: UInt64
        let slot: Int

        func isBefore(_ other: Key) -> Bool {
            time == other.time ? sequence < other.sequence : time < other.time
        }
    }

    private var heap: [Key] = []
    private var events: [Event?] = []
    private var vacant: [Int] = []
    private var sequence: UInt64 = 0

    /// When the next event happens.
    var nextTime: Duration? { heap.first?.time }

    mutating func insert(_ event: Event, at time: Duration) {
        let slot: Int
        if let free = vacant.popLast() {
            slot = free
            events[slot] = event
        } else {
            slot = events.count
            events.append(event)
        }
        sequence += 1
        heap.append(Key(time: time, sequence: sequence, slot: slot))
        rise(from: heap.count - 1)
    }

    mutating func removeFirst() -> (time: Duration, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty { sink(last) }
        guard let event = events[first.slot].take() else { return nil }
        vacant.append(first.slot)
        return (first.time, event)
    }

    private mutating func rise(from start: Int) {
        let key = heap[start]
        var index = start
        while index > 0 {
            let parent = (index - 1) / 4
            guard key.isBefore(heap[parent]) else { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = key
    }

    /// Puts a key where the first was, and the least of its children above it. Four children halve the depth.
    private mutating func sink(_ key: Key) {
        var index = 0
        while true {
            let first = 4 * index + 1
            guard first < heap.count else { break }
            var least = first
            var child = first + 1
            while child < min(first + 4, heap.count) {
                if heap[child].isBefore(heap[least]) { least = child }
                child += 1
            }
            guard heap[least].isBefore(key) else { break }
            heap[index] = heap[least]
            index = least
        }
        heap[index] = key
    }
}
