// SPDX-License-Identifier: Apache-2.0

public import Media

/// Monotonic and civil time that go on only when told to.
public struct ManualClock: Sendable {
    /// Monotonic time.
    public private(set) var now: Duration = .zero
    private let beginning: WallTime

    /// A clock whose civil time begins at 2026-11-21T10:00:00Z.
    public init(beginning: WallTime = WallTime(milliseconds: 1_795_255_200_000)) { self.beginning = beginning }

    /// Civil time.
    public var wall: WallTime { beginning.advanced(by: now) }

    /// Goes on by `duration`.
    public mutating func advance(by duration: Duration) { now += duration }

    /// Goes on to `time`, unless it is past already.
    public mutating func advance(to time: Duration) { now = max(now, time) }
}
