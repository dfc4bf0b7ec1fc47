// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether this process was running all the time: a gateway that stood still for over a second may have been replaced.
/// Any thread may call.
public final class GatewayPulse: Sendable {
    private let last: Atomic<Int64>

    /// A pulse that begins at `now`.
    public init(now: Duration) { last = Atomic(Self.nanoseconds(now)) }

    /// Whether the last beat is over a second ago.
    public func isLate(at now: Duration) -> Bool {
        Self.nanoseconds(now) - last.load(ordering: .acquiring) > Self.limit
    }

    /// Beats; call five times a second, and where it was late only when all streams are fenced.
    public func beat(at now: Duration) { last.store(Self.nanoseconds(now), ordering: .releasing) }

    private static func nanoseconds(_ time: Duration) -> Int64 {
        time.components.seconds &* 1_000_000_000 &+ time.components.attoseconds / 1_000_000_000
    }

    private static let limit: Int64 = 1_000_000_000
}
