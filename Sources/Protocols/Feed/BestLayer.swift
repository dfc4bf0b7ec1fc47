// SPDX-License-Identifier: Apache-2.0

public import Media

/// A stream of several layers as if it had one: for viewers of units that can not choose.
///
/// They get the layer with the largest pictures that is there. Another one is begun with at a random access point of its
/// own only: a larger one at the next, a smaller one when the layer that was sent has been missing for a second. Pictures
/// bear the number of the first video track whichever layer they are of, so that a change looks like new parameters.
public struct BestLayer: Sendable {
    /// What becomes of a unit.
    public enum Outcome: Hashable, Sendable {
        /// It is of a layer that is not sent.
        case passedOver
        /// It is sent so.
        case sent(AccessUnit)
        /// It is sent so, and is the first of another layer: ``tracks`` come before it.
        case switched(AccessUnit)
    }

    private var feed: [Track] = []
    /// The layers, the largest first.
    private var layers: [Track] = []
    /// The layer that is sent; nil before the first picture, and where it has left.
    private var current: TrackID?
    /// The newest time of the layer that is sent; while none is, the first time that another was passed over.
    private var seen: Duration?

    /// A stream without tracks.
    public init() {}

    /// Takes the tracks of the feed from here on.
    public mutating func change(_ tracks: [Track]) {
        feed = tracks
        layers = tracks.filter(\.codec.isVideo).sorted { ($0.pixels, $1.id) > ($1.pixels, $0.id) }
        if !layers.contains(where: { $0.id == current }) { restart() }
    }

    /// Begins anew with the best layer: units were skipped.
    public mutating func restart() {
        current = nil
        seen = nil
    }

    /// The tracks as the viewer sees them: one of video at most.
    public var tracks: [Track] {
        let layer = layers.first { $0.id == current } ?? layers.first
        return feed.compactMap { track in
            guard track.codec.isVideo else { return track }
            return track.id == layer?.id ? Track(id: .video, parameters: track.parameters) : nil
        }.sorted { $0.id < $1.id }
    }

    /// Takes the next unit of the feed.
    public mutating func take(_ unit: AccessUnit) -> Outcome {
        guard let layer = layers.first(where: { $0.id == unit.track }) else { return .sent(unit) }
        guard layers.count > 1 else { return .sent(shown(unit)) }
        let time = unit.decodeTime.duration
        guard layer.id != current else {
            seen = time
            return .sent(shown(unit))
        }
        guard unit.isRandomAccess, isBetter(layer, at: time) else {
            seen = seen ?? time
            return .passedOver
        }
        let before = tracks
        current = layer.id
        seen = time
        return before == tracks ? .sent(shown(unit)) : .switched(shown(unit))
    }

    private func isBetter(_ layer: Track, at time: Duration) -> Bool {
        // A little older is what came a little later than the same picture of another layer, and tells of nothing missing.
        if let seen, !(seen - Self.patience...seen + Self.patience).contains(time) { return true }
        guard let current = layers.first(where: { $0.id == current }) else { return layer == layers.first }
        return layer.pixels > current.pixels
    }

    private func shown(_ unit: AccessUnit) -> AccessUnit {
        var unit = unit
        unit.track = .video
        return unit
    }

    private static let patience: Duration = .seconds(1)
}
