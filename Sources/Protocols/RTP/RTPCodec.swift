// SPDX-License-Identifier: Apache-2.0

public import Media

/// What an RTP payload can hold.
///
/// Four of the six are codecs of the feed, and go by `MediaFromRTP` to every protocol. VP8 and VP9 have no `Codec`: they
/// can not become access units, and go by `PassThrough` from publisher to WHEP viewers, packet by packet.
public enum RTPCodec: UInt8, Hashable, Sendable, CaseIterable {
    case av1
    case h264
    case hevc
    case opus
    case vp8
    case vp9

    /// The codec of the feed's access units; nil for what is only passed through.
    public var media: Codec? {
        switch self {
        case .av1: .av1
        case .h264: .h264
        case .hevc: .hevc
        case .opus: .opus
        case .vp8, .vp9: nil
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
