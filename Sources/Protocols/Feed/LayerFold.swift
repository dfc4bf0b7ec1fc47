// SPDX-License-Identifier: Apache-2.0

public import Media

/// Makes one layer of a publisher's, for a feed that can have no more: not all nodes of its cluster write layers yet.
///
/// It is the largest that comes, as ``BestLayer`` chooses, under the number of the first video track. Each change of it is
/// one of parameters.
public struct LayerFold: Sendable {
    private var best = BestLayer()
    private var tracks: [Track] = []
    private var told: [Track] = []

    /// A publisher that has sent nothing.
    public init() {}

    /// Takes a track that the publisher sends, or its newest parameters. Returns the tracks of the feed that are new.
    public mutating func announce(_ track: Track) -> [Track] {
        tracks.removeAll { $0.id == track.id }
        tracks.append(track)
        best.change(tracks.sorted { $0.id < $1.id })
        return news()
    }

    /// Takes a unit. Returns it as the feed has it, and before it the tracks that are new; nil where it is left out.
    public mutating func take(_ unit: AccessUnit) -> (tracks: [Track], unit: AccessUnit)? {
        switch best.take(unit) {
        case .passedOver: nil
        case .sent(let unit): ([], unit)
        case .switched(let unit): (news(), unit)
        }
    }

    private mutating func news() -> [Track] {
        let tracks = best.tracks
        defer { told = tracks }
        return tracks.filter { !told.contains($0) }
    }
}
