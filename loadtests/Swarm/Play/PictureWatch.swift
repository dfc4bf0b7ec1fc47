// SPDX-License-Identifier: Apache-2.0

/// What a viewer without a buffer sees: when it began, how evenly pictures follow one another, and how long each was on its
/// way.
struct PictureWatch: Hashable, Sendable {
    /// When the first unit that can be shown was whole.
    private(set) var started: Duration?
    private var freezes = FreezeWatch()

    /// A unit is whole, of video, or of sound where there is no video.
    /// - Parameter stamp: when the publisher sent it, where it says so.
    mutating func show(_ stamp: Duration?, now: Duration, tally: inout PlayTally) {
        started = started ?? now
        // Until then a viewer is sent what was before it came, as fast as it goes.
        guard let started, now - started >= Self.settled else { return }
        if let (interval, isFreeze) = freezes.show(now: now) {
            tally.intervals.add(interval)
            if isFreeze { freeze(interval, &tally) }
        }
        if let stamp { tally.delays.add(now - stamp) }
    }

    /// The viewer leaves: what it sees may have stood for long.
    func finish(now: Duration, tally: inout PlayTally) {
        if let length = freezes.standing(now: now) { freeze(length, &tally) }
    }

    private func freeze(_ length: Duration, _ tally: inout PlayTally) {
        tally.freezes += 1
        tally.frozen += length
    }

    private static let settled: Duration = .seconds(2)
}
