// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import Media

/// What stands between a stream's publisher and its sequencer. While it is closed, what comes is kept in order with the
/// times at which it came.
struct Gate: Sendable {
    /// What may wait.
    enum Event: Sendable {
        /// The stream ends.
        case end(EndReason)
        /// The publisher left.
        case left
        /// The publisher sent something.
        case media([IngestEvent])
        /// A publisher is there again.
        case returned
    }

    /// An event and when it came.
    struct Arrival: Sendable {
        let event: Event
        let now: Duration
        let wall: WallTime
    }

    /// Why it is closed; empty where it is open.
    private(set) var reasons: FenceReasons
    private var waiting: [Arrival] = []
    private var size = 0

    init(closedFor reasons: FenceReasons = []) { self.reasons = reasons }

    var isOpen: Bool { reasons.isEmpty }

    /// Whether more waits, or for longer, than a short stop of any stream brings: whoever publishes it does better elsewhere.
    func isOverfull(now: Duration) -> Bool {
        size > Self.capacity.bytes || waiting.first.map { now - $0.now > Self.longestWait } ?? false
    }

    mutating func close(for reason: FenceReasons) { reasons.formUnion(reason) }

    /// One reason less; what waited, in order, where none is left.
    mutating func open(for reason: FenceReasons) -> [Arrival] {
        reasons.subtract(reason)
        guard isOpen else { return [] }
        defer { (waiting, size) = ([], 0) }
        return waiting
    }

    mutating func hold(_ arrival: Arrival) {
        waiting.append(arrival)
        guard case .media(let events) = arrival.event else { return }
        for case .accessUnit(let unit) in events { size += unit.payload.count }
    }

    /// Some seconds of the highest bit rates.
    private static let capacity = ByteCount.mebibytes(16)
    /// A viewer would wait for as long.
    private static let longestWait: Duration = .seconds(10)
}
