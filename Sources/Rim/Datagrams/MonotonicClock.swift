// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Monotonic time, of the same beginning as that of the event loops.
enum MonotonicClock {
    static func now() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
