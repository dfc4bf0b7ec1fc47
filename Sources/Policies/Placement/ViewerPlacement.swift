// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// The two edges whose URLs a viewer is given, by index into the snapshot's edges.
public struct ViewerPlacement: Hashable, Sendable {
    /// Where the viewer goes.
    public let first: Int
    /// Where its player goes on when the first fails: in another zone where one has room. Nil where there is no other edge.
    public let second: Int?
    /// Whether even the first has no room, so that the viewer may be refused there.
    public let isCrowded: Bool
}

extension EdgeLoads {
    /// Chooses edges for a viewer.
    ///
    /// The first edge of the session's ranking within `set` that has room: the same whenever the session comes back, and
    /// on every router, while there is room. Where the whole set has none, the next of the stream's ranking outside it;
    /// where no edge has, the least loaded. Tell ``assign(_:to:now:)`` what becomes of it.
    /// - Parameters:
    ///   - set: the stream's edges that may have viewers; see ``EdgeSet/ready(now:)``.
    ///   - candidates: those that ``follow(_:)`` was last told.
    /// - Returns: nil where no edge takes work.
    public func place(
        _ session: ViewerID, of stream: RankingKey, in set: [Int], of candidates: Candidates
    ) -> ViewerPlacement? {
        var rooms = within(set, for: RankingKey(session), in: candidates)
        if rooms.count < 2 { rooms += beyond(set, of: stream, in: candidates, enough: 2 - rooms.count) }
        guard let first = rooms.first ?? least(but: nil) else { return nil }
        let zone = candidates.members[first].description.zone
        let second = rooms.dropFirst().first { candidates.members[$0].description.zone != zone }
        return ViewerPlacement(
            first: first, second: second ?? rooms.dropFirst().first ?? least(but: first), isCrowded: isFull(first))
    }

    /// The edges of the set with room, in the session's order: of the first few, among which another zone is likely, or of
    /// all where those have less than two.
    private func within(_ set: [Int], for session: RankingKey, in candidates: Candidates) -> [Int] {
        for count in candidates.isOneZone ? [2, Self.few] : [Self.few] where count < set.count {
            let rooms = candidates.first(count, of: session, among: set).filter(hasRoom)
            if rooms.count > 1 { return rooms }
        }
        return candidates.first(set.count, of: session, among: set).filter(hasRoom)
    }

    /// The next edges of the stream's ranking that are not of its set and have room.
    private func beyond(_ set: [Int], of stream: RankingKey, in candidates: Candidates, enough: Int) -> [Int] {
        let inside = Set(set)
        for count in [set.count + Self.few, candidates.count] {
            let rooms = candidates.first(count, of: stream).lazy.filter { !inside.contains($0) && hasRoom($0) }
            let first = Array(rooms.prefix(enough))
            if first.count == enough || count >= candidates.count { return first }
        }
        return []
    }

    private func least(but other: Int?) -> Int? {
        working.filter { $0 != other }.min { load(of: $0) < load(of: $1) }
    }

    /// How many of a ranking are looked at before all are.
    private static let few = 8
}
