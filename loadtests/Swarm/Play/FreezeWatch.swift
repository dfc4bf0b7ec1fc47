// SPDX-License-Identifier: Apache-2.0

/// Notices when nothing new is shown for too long, as webrtc-stats defines freezeCount: longer than thrice the mean of
/// the last thirty intervals, and than that mean and 150 ms.
struct FreezeWatch: Hashable, Sendable {
    private var last: Duration?
    private var mean: Duration = .zero
    private var count = 0

    /// A picture is shown. Returns the time since the one before, and whether that was a freeze; nil for the first.
    mutating func show(now: Duration) -> (interval: Duration, isFreeze: Bool)? {
        defer { last = now }
        guard let last else { return nil }
        let interval = now - last
        let isFreeze = isTooLong(interval)
        count = min(count + 1, Self.window)
        mean += (interval - mean) / count
        return (interval, isFreeze)
    }

    /// For how long the last picture has been shown where that is too long, though none follows; nil where it is not.
    func standing(now: Duration) -> Duration? {
        guard let last, isTooLong(now - last) else { return nil }
        return now - last
    }

    private func isTooLong(_ interval: Duration) -> Bool {
        count >= Self.few && interval > max(mean * 3, mean + .milliseconds(150))
    }

    /// How many intervals the mean goes over.
    private static let window = 30
    /// Before so many, nobody knows what is usual.
    private static let few = 5
}
