// SPDX-License-Identifier: Apache-2.0

public import Media

/// How one source is received, as receiver reports tell it: RFC 3550 appendices A.3 and A.8.
public struct ReceptionCounters: Hashable, Sendable {
    /// Packets that came, those that came twice or late among them.
    public private(set) var received: Int64 = 0
    private var first: Int64?
    private var highest: Int64 = 0
    private var priorExpected: Int64 = 0
    private var priorReceived: Int64 = 0
    private let timescale: Timescale
    private var transit: Int64?
    /// Sixteenths of a tick.
    private var scaledJitter: Int64 = 0

    /// A source that has not begun, with the clock of its timestamps.
    public init(timescale: Timescale) { self.timescale = timescale }

    /// Counts a packet.
    /// - Parameters:
    ///   - sequence: its number, unwrapped.
    ///   - timestamp: its time, as on the wire.
    public mutating func receive(_ sequence: Int64, timestamp: UInt32, now: Duration) {
        if sequence - highest > Self.longestJump { self = ReceptionCounters(timescale: timescale) }
        received += 1
        if first == nil { (first, highest) = (sequence, sequence) }
        highest = max(highest, sequence)
        let arrival = now.ticks(timescale)
        if let transit {
            let difference = Int64(Int32(truncatingIfNeeded: arrival &- Int64(timestamp) &- transit))
            scaledJitter += abs(difference) - (scaledJitter + 8) >> 4
        }
        transit = arrival &- Int64(timestamp)
    }

    /// Counts a packet that was sent again: it came, but its way says nothing on jitter.
    public mutating func repair() { received += 1 }

    /// Packets that should have come by now, from the first to the highest.
    public var expected: Int64 { first.map { highest - $0 + 1 } ?? 0 }

    /// Interarrival jitter in ticks of the source's clock.
    public var jitter: UInt32 { UInt32(clamping: scaledJitter >> 4) }

    /// The report on the time since the one before.
    /// - Parameters:
    ///   - lastReport: the source's last sender report, and when it came.
    public mutating func report(
        source: UInt32, lastReport: (time: NTPTime, arrival: Duration)?, now: Duration
    ) -> ReceptionReport {
        let (interval, came) = (expected - priorExpected, received - priorReceived)
        (priorExpected, priorReceived) = (expected, received)
        let lost = max(0, interval - came)
        return ReceptionReport(
            source: source,
            fractionLost: interval > 0 ? UInt8(clamping: lost * 256 / interval) : 0,
            lost: Int32(max(-0x80_0000, min(0x7F_FFFF, expected - received))),
            highestSequence: UInt32(truncatingIfNeeded: highest), jitter: jitter,
            lastReport: lastReport?.time.middle ?? 0, sinceLastReport: lastReport.map { (now - $0.arrival).short } ?? 0)
    }

    /// A jump in the numbers from which a source counts as begun anew, RFC 3550 appendix A.1.
    private static let longestJump: Int64 = 3000
}
