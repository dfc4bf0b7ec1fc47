// SPDX-License-Identifier: Apache-2.0

/// Finds the constant frame rate behind times that were rounded to milliseconds, and gives the times back unrounded.
///
/// States: *searching* (no rate; times pass as they are; eight like intervals whose mean is a usual rate lead to
/// locked) and *locked* (a time within the rounding error of the grid takes the grid's; two misses in a row move the
/// grid, too many misses lead back to searching). A time given back is never further than the rounding error from the
/// one that came, so nothing drifts.
struct FrameCadence: Sendable {
    /// Frames a second as a fraction.
    struct Rate: Hashable, Sendable {
        let frames: Int64
        let seconds: Int64

        /// Ticks of 90 kHz from one picture to the next.
        var interval: Double { 90_000 * Double(seconds) / Double(frames) }
        /// Ticks of 90 kHz that `count` pictures take, rounded to nearest.
        func ticks(_ count: Int64) -> Int64 { (count * 90_000 * seconds + frames / 2) / frames }
    }

    /// The rate, while locked.
    private(set) var rate: Rate?
    private var anchor: Int64 = 0
    private var index: Int64 = 0
    private var score = 0
    private var missesInRow = 0
    private var run = Run()
    private var newest: Int64?

    /// Searching, or locked at once to the usual rate that the parameter sets declare.
    init(declared: Double?) {
        guard let declared, declared > 0 else { return }
        rate = Self.usual(interval: 90_000 / declared, within: 90_000 / declared * 0.0005)
        score = rate == nil ? 0 : Self.startScore
    }

    /// The time of the next picture, given the time that came.
    /// - Parameter tolerance: the rounding error of the times, in ticks.
    mutating func place(_ time: Int64, tolerance: Int64) -> Int64 {
        defer { newest = time }
        guard let newest, time > newest, time - newest < Self.longestStep else {
            restart(at: time)
            return time
        }
        guard let rate else {
            search(time, after: newest, tolerance: tolerance)
            return time
        }
        return follow(time, rate, tolerance: tolerance)
    }

    /// The next time comes from another clock: the grid, if any, begins there.
    mutating func restart() { newest = nil }

    /// An offset within the rounding error of a whole number of intervals made exactly that.
    func snapped(_ offset: Int64, tolerance: Int64) -> Int64 {
        guard let rate, offset.magnitude < UInt64(Self.longestStep) else { return offset }
        let count = (Double(offset) / rate.interval).rounded()
        let exact = Int64((count * rate.interval).rounded())
        return abs(exact - offset) <= 2 * tolerance ? exact : offset
    }

    /// The time of the picture `steps` after the newest, while locked and on the grid.
    func time(after steps: Int64) -> Int64? {
        guard let rate, missesInRow == 0 else { return nil }
        return anchor + rate.ticks(index + steps)
    }

    /// How many intervals of the grid `ticks` are, at least one.
    func steps(_ ticks: Int64) -> Int64 {
        guard let rate else { return 1 }
        return max(1, Int64((Double(min(ticks, Self.longestStep)) / rate.interval).rounded()))
    }
}

extension FrameCadence {
    private struct Run: Sendable {
        var start: Int64 = 0
        var count: Int64 = 0
        var interval: Int64 = 0
        var mean: Double { Double(newest - start) / Double(max(1, count)) }
        var newest: Int64 = 0
    }

    private mutating func restart(at time: Int64) {
        move(to: time)
        run = Run(start: time, newest: time)
    }

    private mutating func move(to time: Int64) {
        anchor = time
        index = 0
        missesInRow = 0
    }

    private mutating func search(_ time: Int64, after newest: Int64, tolerance: Int64) {
        let interval = time - newest
        if run.count == 0 || abs(interval - run.interval) > 2 * tolerance {
            run = Run(start: newest, count: 0, interval: interval)
        }
        run.count += 1
        run.newest = time
        guard run.count >= Self.runToLock else { return }
        rate = Self.usual(interval: run.mean, within: Double(2 * tolerance) / Double(run.count))
        score = Self.startScore
        move(to: time)
    }

    private mutating func follow(_ time: Int64, _ rate: Rate, tolerance: Int64) -> Int64 {
        let position = Int64((Double(time - anchor) / rate.interval).rounded())
        let next = max(index + 1, position)
        run.count += next - index
        run.newest = time
        index = next
        let exact = anchor + rate.ticks(next)
        guard abs(exact - time) <= tolerance else {
            miss(at: time, rate, tolerance: tolerance)
            return time
        }
        missesInRow = 0
        score = min(score + 1, Self.bestScore)
        fold(rate)
        return exact
    }

    /// Keeps the numbers small: a whole number of pictures is a whole number of seconds.
    private mutating func fold(_ rate: Rate) {
        guard index >= rate.frames else { return }
        let turns = index / rate.frames
        anchor += turns * rate.seconds * 90_000
        index -= turns * rate.frames
    }

    private mutating func miss(at time: Int64, _ old: Rate, tolerance: Int64) {
        score -= 4
        missesInRow += 1
        if score < 0 {
            rate = nil
            restart(at: time)
        } else if missesInRow >= 2 {
            if run.count >= Self.runToJudge {
                let slack = old.interval * 0.0006 + Double(tolerance) / Double(run.count)
                rate = Self.usual(interval: run.mean, within: slack)
            }
            move(to: time)
        }
    }

    private static func usual(interval: Double, within: Double) -> Rate? {
        let nearest = usualRates.min { abs($0.interval - interval) < abs($1.interval - interval) }
        guard let nearest, abs(nearest.interval - interval) <= within else { return nil }
        return nearest
    }

    private static let startScore = 8
    private static let bestScore = 16
    private static let runToLock: Int64 = 8
    private static let runToJudge: Int64 = 30
    /// Ten seconds: a longer step begins anew.
    private static let longestStep: Int64 = 900_000
    private static let usualRates: [Rate] = [
        Rate(frames: 10, seconds: 1), Rate(frames: 12, seconds: 1), Rate(frames: 25, seconds: 2),
        Rate(frames: 15, seconds: 1), Rate(frames: 20, seconds: 1), Rate(frames: 24000, seconds: 1001),
        Rate(frames: 24, seconds: 1), Rate(frames: 25, seconds: 1), Rate(frames: 30000, seconds: 1001),
        Rate(frames: 30, seconds: 1), Rate(frames: 48, seconds: 1), Rate(frames: 50, seconds: 1),
        Rate(frames: 60000, seconds: 1001), Rate(frames: 60, seconds: 1), Rate(frames: 90, seconds: 1),
        Rate(frames: 100, seconds: 1), Rate(frames: 120000, seconds: 1001), Rate(frames: 120, seconds: 1),
    ]
}
