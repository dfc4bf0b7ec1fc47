// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// What a decoder is set up with: the codec's configuration record and what was read out of it.
public enum ParameterSets: Hashable, Sendable {
    case audio(AudioParameters)
    case video(VideoParameters)

    /// The codec.
    public var codec: Codec {
        switch self {
        case .audio(let audio): audio.codec
        case .video(let video): video.codec
        }
    }

    /// The clock of the track.
    public var timescale: Timescale {
        switch self {
        case .audio(let audio): Timescale(max(1, audio.sampleRate))
        case .video: .video
        }
    }

    /// The codec as RFC 6381 writes it, for EXT-X-STREAM-INF and MIME types: `avc1.64001f`, `mp4a.40.2`.
    public var codecString: String {
        switch self {
        case .audio(let audio): audio.codecString
        case .video(let video): video.codecString
        }
    }
}

/// How to decode a video track.
public struct VideoParameters: Hashable, Sendable {
    /// H.264, HEVC, AV1, VP8 or VP9.
    public let codec: Codec
    /// The body of `avcC` (ISO/IEC 14496-15 §5.3.3), `hvcC` (§8.3.3) or `av1C` (AV1-ISOBMFF §2.3), or
    /// the record within `vpcC` (VP-ISOBMFF §2.2), which does not tell the size.
    public let record: ByteSlice
    /// Width of the picture as shown, in pixels, after cropping.
    public let width: UInt32
    /// Height of the picture as shown, in pixels, after cropping.
    public let height: UInt32
    /// Frames a second as the parameter sets claim; nil where they do not say.
    public let frameRate: Double?
    /// RFC 6381 codec string.
    public let codecString: String

    /// Parameters of their parts; use the parsing initialisers where there are bytes.
    public init(
        codec: Codec, record: ByteSlice, width: UInt32, height: UInt32, frameRate: Double?, codecString: String
    ) {
        self.codec = codec
        self.record = record
        self.width = width
        self.height = height
        self.frameRate = frameRate
        self.codecString = codecString
    }
}

/// How to decode an audio track.
public struct AudioParameters: Hashable, Sendable {
    /// AAC or Opus.
    public let codec: Codec
    /// AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) for AAC; the body of `dOps` (Opus in ISOBMFF §4.3.2) for Opus.
    public let record: ByteSlice
    /// Samples a second on the track's clock: the AAC core rate, 48 000 for Opus.
    public let sampleRate: UInt32
    /// Channels, 1 to 255.
    public let channels: UInt8
    /// RFC 6381 codec string.
    public let codecString: String
    /// Samples in one access unit where the codec fixes it: 1024 or 960 for AAC; nil for Opus, whose packets say.
    public let samplesPerUnit: UInt32?

    /// Parameters of their parts; use the parsing initialisers where there are bytes.
    public init(
        codec: Codec, record: ByteSlice, sampleRate: UInt32, channels: UInt8, codecString: String,
        samplesPerUnit: UInt32?
    ) {
        self.codec = codec
        self.record = record
        self.sampleRate = sampleRate
        self.channels = channels
        self.codecString = codecString
        self.samplesPerUnit = samplesPerUnit
    }
}
