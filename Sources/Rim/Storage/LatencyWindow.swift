// SPDX-License-Identifier: Apache-2.0

/// How long the last answers took.
struct LatencyWindow {
    private var times: [Duration] = []
    private var next = 0

    /// An answer took so long.
    mutating func add(_ time: Duration) {
        if times.count < Self.size { times.append(time) } else { times[next] = time }
        next = (next + 1) % Self.size
    }

    /// From when on a read counts as slow: later than 19 of 20. Nil while too few are known.
    var slow: Duration? {
        guard times.count >= Self.least else { return nil }
        return max(times.sorted()[times.count * 19 / 20], Self.shortest)
    }

    private static let size = 64
    private static let least = 20
    private static let shortest: Duration = .milliseconds(20)
}
