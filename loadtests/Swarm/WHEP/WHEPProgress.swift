// SPDX-License-Identifier: Apache-2.0

/// How a run of WHEP viewers goes, as it stands at one moment.
public struct WHEPProgress: Hashable, Sendable {
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
    private var faults: [WHEPFault: Int]

    /// What a tally says at `time`.
    public init(_ tally: WHEPTally, present: Int, time: Duration) {
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
    }

    /// Adds what other viewers of the run say.
    public mutating func merge(_ other: WHEPProgress) {
        time = max(time, other.time)
        for sum in Self.sums { self[keyPath: sum] += other[keyPath: sum] }
        faults.merge(other.faults, uniquingKeysWith: +)
    }

    /// What happened since an earlier moment, in a line.
    public func line(since earlier: WHEPProgress) -> String {
        let seconds = max((time - earlier.time) / .seconds(1), 0.001)
        func rate(_ count: KeyPath<WHEPProgress, Int>) -> Int {
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

    private static var sums: [WritableKeyPath<WHEPProgress, Int>] {
        [\.present, \.joins, \.started, \.packets, \.bytes, \.pictures, \.lostPackets, \.freezes]
    }
}
