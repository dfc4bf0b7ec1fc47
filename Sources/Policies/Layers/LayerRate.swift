// SPDX-License-Identifier: Apache-2.0

/// How many bits a second a layer takes, by the times of its pictures: a stream that is caught up on comes in a burst.
public struct LayerRate: Sendable {
    /// Bits a second over the last seconds; 0 before the first is over.
    public private(set) var bitsPerSecond: UInt64 = 0
    /// When its newest picture is shown; nil before the first.
    public private(set) var newest: Duration?
    /// How many pictures of other layers came since.
    private var missed = 0
    private var bytes = 0
    private var began: Duration = .zero

    /// A layer without a picture.
    public init() {}

    /// Counts a picture that is shown at `time`.
    public mutating func count(bytes count: Int, at time: Duration) {
        missed = 0
        guard let newest, (newest...newest + Self.longestPause).contains(time) else {
            (self.newest, began, bytes) = (time, time, count)
            return
        }
        self.newest = time
        if time - began >= .seconds(1) {
            let rate = UInt64(Double(bytes) * 8 / ((time - began) / .seconds(1)))
            bitsPerSecond = bitsPerSecond == 0 ? rate : (bitsPerSecond + rate) / 2
            (began, bytes) = (time, 0)
        }
        bytes += count
    }

    /// Notes that a picture of another layer came.
    public mutating func miss() { missed = min(missed + 1, Self.mostMissed) }

    /// Whether pictures of it come, where the newest of any layer is shown at `time`.
    public func isThere(at time: Duration) -> Bool {
        let patience = missed < Self.mostMissed ? Self.longestPause : Self.pause
        return newest.map { time - $0 <= patience } ?? false
    }

    /// A layer of which nothing came for so long is not there: shared screens that stand still have a picture a second.
    private static let longestPause: Duration = .seconds(2)
    /// The same where the other layers have gone on meanwhile, which those of a screen that stands still do not: whoever
    /// is sent the layer looks at a picture that stands.
    private static let pause: Duration = .milliseconds(500)
    private static let mostMissed = 8
}
