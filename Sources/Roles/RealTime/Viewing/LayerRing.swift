// SPDX-License-Identifier: Apache-2.0

import Identity
import Layers
import Media
import RTP

/// The packets of one layer of a stream, for all its viewers of one thread. Of a stream without layers the only one.
///
/// A layer that has left keeps its ring: its numbers go on where it comes back, as its viewers know it by its track.
struct LayerRing {
    let track: TrackID
    /// By which the viewer asks for it; changes with the publisher.
    var rendition: RenditionName
    var pixels: UInt64
    /// Whether the stream has it now.
    var isThere = true
    var ring = PacketRing(.video)
    var rate = LayerRate()

    init(_ track: Track) {
        self.track = track.id
        rendition = track.rendition
        pixels = track.pixels
    }

    /// Its number among the viewer's.
    var layer: UInt8 { track.number }
}

extension [LayerRing] {
    /// The ring of a layer; nil where there is none.
    subscript(layer number: UInt8) -> LayerRing? { first { $0.layer == number } }

    /// The layers that are there, the smallest first.
    var offers: [LayerOffer] {
        let present = filter(\.isThere)
        let newest = present.compactMap(\.rate.newest).max() ?? .zero
        return present.filter { $0.rate.isThere(at: newest) }.sorted { ($0.pixels, $0.layer) < ($1.pixels, $1.layer) }
            .map { LayerOffer(layer: $0.layer, bitsPerSecond: $0.rate.bitsPerSecond) }
    }

    /// Counts a picture of the layer at `index`.
    mutating func note(_ unit: AccessUnit, at index: Int) {
        for other in indices where other != index { self[other].rate.miss() }
        self[index].rate.count(bytes: unit.payload.count, at: unit.decodeTime.duration)
    }

    /// Takes the tracks from here on. A layer that is new is added, none is removed.
    mutating func change(_ tracks: [Track]) {
        for index in indices { self[index].isThere = tracks.contains { $0.id == self[index].track } }
        for track in tracks where track.codec.isVideo {
            if let index = firstIndex(where: { $0.track == track.id }) {
                self[index].rendition = track.rendition
                self[index].pixels = track.pixels
            } else {
                append(LayerRing(track))
            }
        }
    }
}
