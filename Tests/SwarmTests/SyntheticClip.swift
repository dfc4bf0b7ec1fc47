// SPDX-License-Identifier: Apache-2.0

import Media
import RTMP
import Swarm
import TestKit

extension Clip {
    /// Two seconds of thirty pictures a second, of three packets each, and AAC.
    /// - Parameter bFrames: how many B-frames stand between two others; others refer to them.
    static func synthetic(bFrames: Int64 = 0) throws -> Clip {
        var media = SyntheticMedia()
        media.bFrames = bFrames
        media.sizes.video = 3000
        let tracks = [TrackID.video, .audio].map { Track(id: $0, parameters: media.parameters($0)) }
        let writer = RTMPFromMedia(tracks: tracks)
        let opening = writer.opening(at: MediaTime(ticks: 0, timescale: .milliseconds))
        let tags = opening + media.events(for: .seconds(2)).compactMap { writer.tag($0.unit) }
        let flv = tags.reduce(into: FLVWriter().header(hasVideo: true, hasAudio: true)) { $0 += FLVWriter().write($1) }
        return try Clip(flv: flv[...])
    }
}
