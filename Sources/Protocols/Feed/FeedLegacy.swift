// SPDX-License-Identifier: Apache-2.0

/// What a term leaves to the next: all it appended up to the last mark that is held, and what that has come to.
public struct FeedLegacy: Hashable, Sendable {
    /// The first record that the next term does not go on from.
    public let end: FeedPosition
    /// The newest part, and where its `partEnd` stands; nil where only gaps are held.
    public let commit: CommitTracker.Commit?
    /// What the records up to there have come to.
    public let summary: FeedSummary
}

extension FeedLog {
    /// What this log leaves to a next term: all up to the last `partEnd`, `gap` or `end`. Units behind it belong to a part
    /// that nobody could list. Nil where no segment is held whose start is known.
    public var legacy: FeedLegacy? {
        guard let beginning = oldestSegment else { return nil }
        var summary = FeedSummary(firstSegment: beginning.msn)
        if let placed = beginning.parameters { summary.append(.parameters(placed.parameters)) }
        var commit: CommitTracker.Commit?
        var found: FeedLegacy?
        for place in beginning.place..<endPlace {
            guard let record = self[place: place], let position = position(at: place) else { continue }
            summary.append(record)
            switch record {
            case .partEnd(let mark): commit = CommitTracker.Commit(position: position, part: mark.position)
            case .end, .gap: break
            case .accessUnit, .parameters, .segmentStart, .stored: continue
            }
            let end = FeedPosition(term: position.term, number: position.number &+ 1)
            found = FeedLegacy(end: end, commit: commit, summary: summary)
        }
        return found
    }
}
