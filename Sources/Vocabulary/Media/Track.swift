// SPDX-License-Identifier: Apache-2.0

public import Identity

/// One video or audio track of a stream, with all that a decoder must know before its first unit.
public struct Track: Hashable, Sendable {
    /// Its number within the stream.
    public let id: TrackID
    /// The rendition it belongs to.
    public let rendition: RenditionName
    /// What its decoder is set up with.
    public let parameters: ParameterSets

    /// A track of its parts.
    public init(id: TrackID, rendition: RenditionName = .main, parameters: ParameterSets) {
        self.id = id
        self.rendition = rendition
        self.parameters = parameters
    }

    /// The codec.
    public var codec: Codec { parameters.codec }

    /// The track's clock: 90 kHz for video, the sample rate for audio (48 kHz for Opus, RFC 7845 §4).
    public var timescale: Timescale { parameters.timescale }

    /// How many pixels its pictures have; 0 for sound, and where the size is not known.
    public var pixels: UInt64 {
        guard case .video(let video) = parameters else { return 0 }
        return UInt64(video.width) &* UInt64(video.height)
    }
}
