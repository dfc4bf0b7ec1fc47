// SPDX-License-Identifier: Apache-2.0

import Identity
public import Media

extension MediaResource {
    /// The value of Content-Type.
    /// - Parameter tracks: the stream's tracks, by which audio alone is told from video.
    public func contentType(tracks: [Track]) -> String {
        switch self {
        case .flv: "video/x-flv"
        case .mediaPlaylist, .multivariantPlaylist: "application/vnd.apple.mpegurl"
        case .initSection(let rendition, _, _), .part(let rendition, _, _), .segment(let rendition, _, _):
            tracks.contains { $0.rendition == rendition && $0.codec.isVideo } ? "video/mp4" : "audio/mp4"
        }
    }
}
