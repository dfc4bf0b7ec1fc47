// SPDX-License-Identifier: Apache-2.0

import CMAF
import Feed
import Identity
import Media

/// What one rendition adds to a part, known without writing it.
struct RenditionSize: Hashable, Sendable {
    let rendition: RenditionName
    /// Bytes of the fragment.
    let bytes: Int
    /// Units of the video track.
    let pictures: Int

    /// The sizes of every rendition of a part.
    static func measured(_ fragment: Fragment, birth: ParametersBirth) -> [RenditionSize] {
        birth.renditions.map { rendition in
            let tracks = birth.tracks(rendition)
            let video = tracks.first { $0.codec.isVideo }?.id
            var own = fragment
            own.tracks = tracks.map(\.id)
            return RenditionSize(
                rendition: rendition, bytes: FragmentWriter.byteCount(of: own),
                pictures: fragment.units.count { $0.track == video })
        }
    }
}
