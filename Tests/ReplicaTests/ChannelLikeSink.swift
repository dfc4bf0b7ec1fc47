// SPDX-License-Identifier: Apache-2.0

import Identity
import Media
import Replica

/// A sink with a buffer as NIO's channels have it: full from a high-water mark on, and where a flush empties it, the
/// subscription is pumped from within the flush.
final class ChannelLikeSink: RecordSink {
    var subscription: FeedSubscription?
    var highWater = Int.max
    /// Whether each unit is flushed by itself.
    var flushesEachUnit = false
    /// Whether what is flushed leaves at once.
    var isRead = true
    private(set) var units: [AccessUnit] = []
    private(set) var flushes = 0
    private(set) var isFinished = false
    private(set) var buffered = 0
    private(set) var mostBuffered = 0

    var isWritable: Bool { buffered < highWater }

    /// The terms it was told of, and how many units had come by then.
    private(set) var terms: [(term: Term, units: Int)] = []

    func begin(_ term: Term) { terms.append((term, units.count)) }

    func write(_ tracks: [Track]) {}

    func write(_ unit: AccessUnit) {
        units.append(unit)
        buffered += unit.payload.count
        mostBuffered = max(mostBuffered, buffered)
        if flushesEachUnit { flush() }
    }

    func flush() {
        flushes += 1
        guard isRead else { return }
        let wasFull = !isWritable
        buffered = 0
        if wasFull { subscription?.pump() }
    }

    func finish() { isFinished = true }
}
