// SPDX-License-Identifier: Apache-2.0

import Glibc
public import Media
public import NIOCore

/// The machine's two clocks, read here and handed to the cores as arguments.
public enum SystemClock {
    /// Monotonic time since an arbitrary beginning; the same beginning for the whole process.
    public static func now() -> Duration { .nanoseconds(Int64(bitPattern: NIODeadline.now().uptimeNanoseconds)) }

    /// A monotonic time as the event loops want it.
    public static func deadline(_ time: Duration) -> NIODeadline {
        .uptimeNanoseconds(UInt64(clamping: time.ticks(nanoseconds)))
    }

    /// Civil time, to the millisecond.
    public static func wall() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    private static let nanoseconds = Timescale(1_000_000_000)
}
