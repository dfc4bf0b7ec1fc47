// SPDX-License-Identifier: Apache-2.0

/// What a viewer has and what it shows: media is shown at the speed of life, and stands while there is none. Positions are
/// on the viewer's own timeline, which begins with the first media that it fetched.
struct Playback: Hashable, Sendable {
    /// What comes of more media.
    enum Change: Hashable, Sendable {
        /// The first picture is shown.
        case began
        /// Nothing that can be seen.
        case none
        /// It had stood for so long.
        case resumed(after: Duration)
    }

    private enum State: Hashable {
        /// Nothing is shown until there is media beyond this position. Exit: showing.
        case waiting(Duration)
        /// At this position at that time. Exit: standing.
        case showing(Duration, since: Duration)
        /// All that there was is shown, since then. Exit: showing.
        case standing(since: Duration)
    }

    /// Where the buffer ends.
    private(set) var buffered: Duration = .zero
    private let start: Duration
    private var state: State

    /// Nothing fetched yet.
    init(startingAt start: Duration) {
        self.start = start
        state = .waiting(start)
    }

    /// Adds media at the end of the buffer.
    mutating func append(_ length: Duration, now: Duration) -> Change {
        advance(now: now)
        buffered += length
        switch state {
        case .showing: return .none
        case .standing(let since):
            state = .showing(buffered - length, since: now)
            return .resumed(after: now - since)
        case .waiting(let start):
            guard buffered > start else { return .none }
            state = .showing(start, since: now)
            return .began
        }
    }

    /// Notices when the buffer ran out.
    mutating func advance(now: Duration) {
        guard case .showing(let position, let since) = state else { return }
        let end = since + (buffered - position)
        if end < now { state = .standing(since: end) }
    }

    /// What is shown; nil before the first picture.
    func position(now: Duration) -> Duration? {
        switch state {
        case .showing(let position, let since): min(position + (now - since), buffered)
        case .standing: buffered
        case .waiting: nil
        }
    }

    /// Since when nothing new is shown; nil while something is, and before the first picture.
    func standingSince(now: Duration) -> Duration? {
        switch state {
        case .showing(let position, let since):
            let end = since + (buffered - position)
            return end < now ? end : nil
        case .standing(let since): return since
        case .waiting: return nil
        }
    }

    /// How much was shown.
    func shown(now: Duration) -> Duration { position(now: now).map { $0 - start } ?? .zero }
}
