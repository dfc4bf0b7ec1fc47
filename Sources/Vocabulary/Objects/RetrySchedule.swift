// SPDX-License-Identifier: Apache-2.0

/// How long to wait before an operation is tried again: a random time of up to a bound that doubles with each failure
/// ("full jitter"), so that a store that comes back is not met by everybody at once.
public struct RetrySchedule: Hashable, Sendable {
    /// The bound after the first failure.
    public var first: Duration = .milliseconds(100)
    /// The bound after many.
    public var longest: Duration = .seconds(2)

    /// The defaults.
    public init() {}

    /// The wait after `failures` failures in a row, 1 or more; not less than what the store asked for.
    public func delay(
        after failures: Int, asked: Duration? = nil, using random: inout some RandomNumberGenerator
    ) -> Duration {
        let bound = min(longest, first * (1 << min(max(0, failures - 1), 20)))
        let jittered = bound * Double.random(in: 0...1, using: &random)
        return max(jittered, min(asked ?? .zero, Self.longestAsked))
    }

    /// What a store may ask for at most: one that says an hour is asked again after a minute.
    private static let longestAsked: Duration = .seconds(60)
}
