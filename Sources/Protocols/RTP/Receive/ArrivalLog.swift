// SPDX-License-Identifier: Apache-2.0

import Media

/// When a transport's packets arrived, until the next feedback tells the sender:
/// draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.
public struct ArrivalLog: Sendable {
    private var numbers = WrappingCounter<UInt16>()
    /// From `base` on; nil where one has not come. Empty or with one that came.
    private var arrivals: [Duration?] = []
    private var base: Int64?
    private var count: UInt8 = 0

    /// Nothing yet.
    public init() {}

    /// Whether there is nothing to tell.
    public var isEmpty: Bool { arrivals.isEmpty }

    /// Notes a packet. One that is far behind what was told last is passed over.
    public mutating func receive(_ number: UInt16, now: Duration) {
        let sequence = numbers.unwrap(number)
        // What is missing since the last feedback is told as such.
        guard let base, (base..<base + Self.capacity).contains(sequence) else { return begin(sequence, now: now) }
        let index = Int(sequence - base)
        while arrivals.count <= index { arrivals.append(nil) }
        arrivals[index] = arrivals[index] ?? now
    }

    /// Makes room for a packet before the first, or begins anew with one that is too far away.
    private mutating func begin(_ sequence: Int64, now: Duration) {
        if let base, sequence < base {
            let before = base - sequence
            guard arrivals.isEmpty || before + Int64(arrivals.count) <= Self.capacity else { return }
            if !arrivals.isEmpty { arrivals.insert(contentsOf: repeatElement(nil, count: Int(before)), at: 0) }
        } else {
            arrivals.removeAll(keepingCapacity: true)
        }
        base = sequence
        if arrivals.isEmpty { arrivals.append(now) } else { arrivals[0] = now }
    }

    /// Takes what is to be told, as much as fits a datagram; nil where nothing is left.
    public mutating func feedback(sender: UInt32, media: UInt32) -> TransportFeedback? {
        guard let base, let first = arrivals.lazy.compactMap({ $0 }).first else { return nil }
        let reference = Self.units(first) >> 8
        var last = reference << 8
        var deltas: [Int16?] = []
        deltas.reserveCapacity(arrivals.count)
        for arrival in arrivals.prefix(Self.longestMessage) {
            guard let arrival else {
                deltas.append(nil)
                continue
            }
            let time = Self.units(arrival)
            // A difference that does not fit is for the next message.
            guard let delta = Int16(exactly: time - last) else { break }
            deltas.append(delta)
            last = time
        }
        let message = TransportFeedback(
            sender: sender, media: media, base: UInt16(truncatingIfNeeded: base),
            reference: Int32(truncatingIfNeeded: (reference << 40) >> 40), count: count, deltas: deltas)
        self.base = base + Int64(deltas.count)
        arrivals.removeFirst(deltas.count)
        count &+= 1
        return message
    }

    /// A time in the unit of a feedback's differences, of which its reference is 256.
    private static func units(_ time: Duration) -> Int64 { time.ticks(Timescale(4000)) }

    /// How many packets at most are told of at once: 100 ms of 200 Mbit/s.
    private static let capacity: Int64 = 2048
    /// How many packets one message tells of: at most 914 bytes.
    private static let longestMessage = 400
}
