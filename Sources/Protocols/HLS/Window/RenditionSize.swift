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
    /// Whether its first picture is a random access point; true where it has no picture.
    let beginsIndependent: Bool
    /// Whether there is a random access point among its pictures; true for sound alone.
    let isIndependent: Bool
    /// Whether it is a layer that the publisher did not send: a part has a picture of each layer, unless it is the short
    /// last one of a segment. The leading layer is never missing.
    let isGap: Bool

    /// What every rendition has of a part that ends with `mark`.
    /// - Parameter partTarget: the target in force; nil without parts.
    static func measured(
        _ fragment: Fragment, birth: ParametersBirth, mark: PartEnd, partTarget: Duration?
    ) -> [RenditionSize] {
        birth.renditions.map { rendition in
            let tracks = birth.tracks(rendition)
            let video = tracks.first { $0.codec.isVideo }
            let pictures = fragment.units.lazy.filter { $0.track == video?.id }
            var own = fragment
            own.tracks = tracks.map(\.id)
            let isMissing = pictures.isEmpty && mark.duration * 2 >= partTarget ?? .zero
            return RenditionSize(
                rendition: rendition, bytes: FragmentWriter.byteCount(of: own), pictures: pictures.count,
                beginsIndependent: pictures.first?.isRandomAccess ?? true,
                isIndependent: video == nil || pictures.contains(where: \.isRandomAccess),
                isGap: isMissing && video != nil && video != birth.leading)
        }
    }
}
