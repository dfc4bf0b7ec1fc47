// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether this process was running all the time: a gateway that stood still for over a second may have been replaced.
/// Any thread may call.
public final class GatewayPulse: Sendable {
    private let last: Atomic<Int64>
    private let pauses = Atomic<UInt64>(0)

    /// A pulse that begins at `now`.
    public init(now: Duration) { last = Atomic(Self.nanoseconds(now)) }

    /// Whether the last beat is over a second ago.
    public func isLate(at now: Duration) -> Bool {
        Self.nanoseconds(now) - last.load(ordering: .acquiring) > Self.limit
    }

    /// How often the process was noticed to have stood still, by a beat that was late. Read it before others are asked for a
    /// term: what they answer says nothing of the time after a later pause.
    public var stalls: UInt64 { pauses.load(ordering: .acquiring) }

    /// Whether the process was running all the time since ``stalls`` were counted, also where the next beat is yet to notice
    /// that it was not.
    public func hasRun(since stalls: UInt64, at now: Duration) -> Bool { !isLate(at: now) && self.stalls == stalls }

    /// Beats; call five times a second from one place, and where it was late only when all streams are fenced.
    public func beat(at now: Duration) {
        // Counted before the pulse looks well again: whoever sees it well sees the count.
        if isLate(at: now) { pauses.wrappingAdd(1, ordering: .releasing) }
        last.store(Self.nanoseconds(now), ordering: .releasing)
    }

    private static func nanoseconds(_ time: Duration) -> Int64 {
        time.components.seconds &* 1_000_000_000 &+ time.components.attoseconds / 1_000_000_000
    }

    private static let limit: Int64 = 1_000_000_000
}
