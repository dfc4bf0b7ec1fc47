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
        let newest = compactMap(\.rate.newest).max() ?? .zero
        return filter { $0.rate.isThere(at: newest) }.sorted { ($0.pixels, $0.layer) < ($1.pixels, $1.layer) }
            .map { LayerOffer(layer: $0.layer, bitsPerSecond: $0.rate.bitsPerSecond) }
    }

    /// Takes the tracks from here on. A layer that is new is added, none is removed.
    mutating func change(_ tracks: [Track]) {
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
