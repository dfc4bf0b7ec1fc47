// SPDX-License-Identifier: Apache-2.0

/// How a run of viewers goes, as it stands at one moment.
public struct PlayProgress: Hashable, Sendable {
    /// Since the run began.
    public var time: Duration
    /// Viewers that have a session, or ask for one.
    public var present: Int
    private var joins: Int
    private var started: Int
    private var packets: Int
    private var bytes: Int
    private var pictures: Int
    private var lostPackets: Int
    private var freezes: Int
    private var faults: [PlayFault: Int]
    private var delays: Histogram

    /// What a tally says at `time`.
    public init(_ tally: PlayTally, present: Int, time: Duration) {
        self.time = time
        self.present = present
        joins = tally.joins
        started = tally.started
        packets = tally.packets
        bytes = tally.bytes
        pictures = tally.pictures
        lostPackets = tally.lostPackets
        freezes = tally.freezes
        faults = tally.faults
        delays = tally.delays
    }

    /// Adds what other viewers of the run say.
    public mutating func merge(_ other: PlayProgress) {
        time = max(time, other.time)
        for sum in Self.sums { self[keyPath: sum] += other[keyPath: sum] }
        faults.merge(other.faults, uniquingKeysWith: +)
        delays.merge(other.delays)
    }

    /// What happened since an earlier moment.
    public func second(since earlier: PlayProgress) -> PlaySecond {
        PlaySecond(
            present: present, joins: joins - earlier.joins, started: started - earlier.started,
            pictures: pictures - earlier.pictures, lost: lostPackets - earlier.lostPackets,
            freezes: freezes - earlier.freezes,
            faults: faults.values.reduce(0, +) - earlier.faults.values.reduce(0, +),
            megabits: Double(bytes - earlier.bytes) * 8 / 1_000_000,
            delay50: delays.since(earlier.delays).middle(50), delay95: delays.since(earlier.delays).middle(95))
    }

    /// What happened since an earlier moment, in a line.
    public func line(since earlier: PlayProgress) -> String {
        let seconds = max((time - earlier.time) / .seconds(1), 0.001)
        func rate(_ count: KeyPath<PlayProgress, Int>) -> Int {
            Int((Double(self[keyPath: count] - earlier[keyPath: count]) / seconds).rounded())
        }
        let failed = faults.compactMap { fault, count in
            let new = count - earlier.faults[fault, default: 0]
            return new > 0 ? "\(new) \(fault.rawValue)" : nil
        }
        return "\(Int((time / .seconds(1)).rounded())) s: \(present) present, \(rate(\.joins)) joins/s, "
            + "\(rate(\.started)) first pictures/s, \(rate(\.packets)) packets/s, \(rate(\.bytes) * 8 / 1_000_000) Mbit/s, "
            + "\(rate(\.pictures)) pictures/s, \(lostPackets - earlier.lostPackets) lost, "
            + "\(freezes - earlier.freezes) freezes"
            + (failed.isEmpty ? "" : ", failed: " + failed.sorted().joined(separator: ", "))
    }

    private static var sums: [WritableKeyPath<PlayProgress, Int>] {
        [\.present, \.joins, \.started, \.packets, \.bytes, \.pictures, \.lostPackets, \.freezes]
    }
}

/// One second of a run.
public struct PlaySecond: Hashable, Sendable, Encodable {
    /// Viewers that have a session at its end, or ask for one.
    public let present: Int
    /// What came about in it, as ``PlayTally`` counts it.
    public let joins, started, pictures, lost, freezes, faults: Int
    /// What came.
    public let megabits: Double
    /// From the publisher's stamp to the viewer, in milliseconds; nil where nothing was stamped.
    public let delay50, delay95: Double?
}

extension Histogram {
    fileprivate func middle(_ percent: Double) -> Double? {
        count > 0 ? percentile(percent) / .milliseconds(1) : nil
    }
}
