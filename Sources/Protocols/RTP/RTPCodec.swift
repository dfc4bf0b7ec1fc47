// SPDX-License-Identifier: Apache-2.0

public import Media

/// What an RTP payload can hold.
///
/// All are codecs of the feed, and go by `MediaFromRTP` to every protocol.
public enum RTPCodec: UInt8, Hashable, Sendable, CaseIterable {
    case av1
    case h264
    case hevc
    case opus
    case vp8
    case vp9

    /// The codec of the feed's access units.
    public var media: Codec {
        switch self {
        case .av1: .av1
        case .h264: .h264
        case .hevc: .hevc
        case .opus: .opus
        case .vp8: .vp8
        case .vp9: .vp9
        }
    }

    /// The payload that carries a codec of the feed; nil for AAC, which no browser takes over RTP.
    public init?(_ codec: Codec) {
        switch codec {
        case .aac: return nil
        case .av1: self = .av1
        case .h264: self = .h264
        case .hevc: self = .hevc
        case .opus: self = .opus
        case .vp8: self = .vp8
        case .vp9: self = .vp9
        }
    }

    /// The encoding name in `a=rtpmap`, in the registry's spelling; it is compared without regard to case.
    public var encodingName: String {
        switch self {
        case .av1: "AV1"
        case .h264: "H264"
        case .hevc: "H265"
        case .opus: "opus"
        case .vp8: "VP8"
        case .vp9: "VP9"
        }
    }

    /// The clock of its timestamps: 90 kHz for pictures, 48 kHz for Opus at whatever rate it was sampled (RFC 7587 §4.1).
    public var timescale: Timescale { self == .opus ? Timescale(48_000) : .video }

    /// Whether its payloads are pictures.
    public var isVideo: Bool { self != .opus }
}
