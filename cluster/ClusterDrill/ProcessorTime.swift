// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How long this thread computed: unlike a clock it is the same on a machine that others use too, or other seeds.
enum ProcessorTime {
    static var now: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
