// SPDX-License-Identifier: Apache-2.0

public import Identity

/// When a draining origin asks its publishers to go to another, and when it lets go those that did not.
///
/// In the first third of the time they are asked, evenly, so that the others do not get all in one moment. Whoever is
/// still there after two thirds is cut off where its next segment would begin, and shortly before the end wherever it is:
/// what was sent until then is whole, and the standby has it.
public struct HandoverPlan: Sendable {
    /// What is to be done with a stream.
    public enum Directive: Hashable, Sendable {
        /// Ask its publisher to go elsewhere.
        case ask(StreamID)
        /// Cut its publisher off now.
        case part(StreamID)
        /// Cut its publisher off where the next segment would begin.
        case partAtBoundary(StreamID)
    }

    private enum Step { case asked, partingAtBoundary, parted }

    private let start: Duration
    private let end: Duration
    private var steps: [StreamID: Step] = [:]

    /// A drain from `start` to `end`, on one clock.
    public init(from start: Duration, to end: Duration) {
        self.start = start
        self.end = max(start, end)
    }

    /// Says what is due for the streams that still have a publisher here. Call about once a second.
    public mutating func tick(_ streams: [StreamID], now: Duration) -> [Directive] {
        let step = step(at: now)
        let waiting = streams.filter { steps[$0] == nil }.sorted()
        let asked = waiting.prefix(step == nil ? share(of: steps.count + waiting.count, now: now) : waiting.count)
        for stream in asked { steps[stream] = .asked }
        var directives = asked.map(Directive.ask)
        guard let step else { return directives }
        for stream in streams.sorted() where steps[stream] != step {
            steps[stream] = step
            directives.append(step == .parted ? .part(stream) : .partAtBoundary(stream))
        }
        return directives
    }

    /// What all streams are to have come to, beyond being asked.
    private func step(at now: Duration) -> Step? {
        if now >= end - min(Self.lastMoment, (end - start) / 6) { return .parted }
        return now >= end - (end - start) / 3 ? .partingAtBoundary : nil
    }

    /// How many more of `count` are asked now.
    private func share(of count: Int, now: Duration) -> Int {
        let share = end > start ? min(1, max(0, (now - start) / ((end - start) / 3))) : 1
        return max(0, max(1, Int((Double(count) * share).rounded(.up))) - steps.count)
    }

    /// What the standby needs at most to have the last part.
    private static let lastMoment: Duration = .seconds(2)
}
