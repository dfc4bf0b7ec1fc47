// SPDX-License-Identifier: Apache-2.0

import Glibc

/// How much memory of this process is resident, in bytes.
func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { fatalError("no /proc/self/statm") }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, Int32(line.count), file) != nil else { fatalError("/proc/self/statm is empty") }
    let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return (Int(text.split(separator: " ")[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE))
}

/// How long this thread has run on a processor.
func processorTime() -> Duration {
    var time = timespec()
    guard clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { fatalError("no clock of this thread") }
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
