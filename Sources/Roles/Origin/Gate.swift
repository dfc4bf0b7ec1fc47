// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import Media

/// Why a gateway writes nothing for now. What its publisher sends meanwhile waits.
public struct FenceReasons: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: UInt8

    /// Reasons of their bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The node lost over a second, and does not know yet whether somebody else took the stream meanwhile.
    public static let clock = FenceReasons(rawValue: 1)
    /// The node may lose the right to the term before it hears of it: its lease is running out.
    public static let lease = FenceReasons(rawValue: 2)
    /// The term is being taken.
    public static let term = FenceReasons(rawValue: 4)
}

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

    /// Whether more waits than a short stop of any stream brings: whoever publishes it does better elsewhere.
    var isOverfull: Bool { size > Self.capacity.bytes }

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
}
