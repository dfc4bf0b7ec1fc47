// SPDX-License-Identifier: Apache-2.0

public import Media

/// Puts the pictures of a publisher's layers in the order of their times, those of one moment one behind another, the
/// smallest first.
///
/// Layers come on packets of their own, the larger the later. A mark that is cut before a picture of the smallest layer so
/// stands before the same picture of all the others, and a segment begins with the random access point of each. A picture
/// waits until every layer that sends has one of its time or later, and no longer than `patience`: a layer that lost a
/// packet does not hold up the others for as long as that is asked for again.
public struct LayerOrder: Sendable {
    private struct Waiting {
        let unit: AccessUnit
        let arrival: Duration
    }

    private struct Layer {
        let track: TrackID
        var pixels: UInt64 = 0
        /// When its newest picture came; nil before the first.
        var arrival: Duration?
    }

    private var layers: [Layer]
    /// In the order of their times.
    private var waiting: [Waiting] = []

    /// Layers of which nothing came.
    public init(_ layers: [TrackID]) { self.layers = layers.map { Layer(track: $0) } }

    /// Whether a track is one of the layers.
    public func contains(_ track: TrackID) -> Bool { layers.contains { $0.track == track } }

    /// Learns how large the pictures of a layer are.
    public mutating func learn(_ track: TrackID, pixels: UInt64) {
        for index in layers.indices where layers[index].track == track { layers[index].pixels = pixels }
    }

    /// Takes a picture of a layer, and appends those that have their turn.
    public mutating func append(_ unit: AccessUnit, now: Duration, into units: inout [AccessUnit]) {
        for index in layers.indices where layers[index].track == unit.track { layers[index].arrival = now }
        let place = waiting.firstIndex { $0.unit.decodeTime.ticks > unit.decodeTime.ticks } ?? waiting.endIndex
        waiting.insert(Waiting(unit: unit, arrival: now), at: place)
        release(now: now, into: &units)
    }

    /// Appends those that waited for long enough.
    public mutating func tick(now: Duration, into units: inout [AccessUnit]) {
        if let due = nextDeadline, now >= due { release(now: now, into: &units) }
    }

    /// When `tick` has something to do; nil where nothing waits.
    public var nextDeadline: Duration? { waiting.lazy.map(\.arrival).min().map { $0 + Self.patience } }
}

extension LayerOrder {
    private mutating func release(now: Duration, into units: inout [AccessUnit]) {
        while let first = waiting.first, isDue(now: now) {
            var moment: [(pixels: UInt64, unit: AccessUnit)] = []
            let limit = first.unit.decodeTime.ticks &+ Self.tolerance
            var index = 0
            while index < waiting.count, waiting[index].unit.decodeTime.ticks <= limit {
                let unit = waiting[index].unit
                if moment.contains(where: { $0.unit.track == unit.track }) { break }
                moment.append((layers.first { $0.track == unit.track }?.pixels ?? 0, unit))
                index += 1
            }
            waiting.removeFirst(index)
            units += moment.sorted { ($0.pixels, $0.unit.track) < ($1.pixels, $1.unit.track) }.map(\.unit)
        }
    }

    /// Whether all that could come before the first that waits is there, or was waited for long enough.
    private func isDue(now: Duration) -> Bool {
        if waiting.count > Self.capacity { return true }
        if let due = nextDeadline, now >= due { return true }
        return layers.allSatisfy { layer in
            let isSending = layer.arrival.map { now - $0 < Self.silence } ?? false
            return !isSending || waiting.contains { $0.unit.track == layer.track }
        }
    }

    /// How long a picture waits at most.
    private static let patience: Duration = .milliseconds(100)
    /// A layer of which nothing came for so long is not waited for: half a part.
    private static let silence: Duration = .milliseconds(250)
    /// Pictures no further apart are of one moment, in ticks of 90 kHz: 8 ms, half a picture at 60 a second.
    private static let tolerance: Int64 = 720
    /// How many pictures wait at most: 100 ms of four layers at 60 a second are 24.
    private static let capacity = 64
}
