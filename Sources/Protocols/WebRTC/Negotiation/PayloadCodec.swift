// SPDX-License-Identifier: Apache-2.0

/// The encodings that are carried in RTP, by their names in `a=rtpmap`.
public enum PayloadCodec: String, Hashable, Sendable, CaseIterable {
    case av1 = "AV1"
    case h264 = "H264"
    case hevc = "H265"
    case opus = "opus"
    case vp8 = "VP8"
    case vp9 = "VP9"

    /// The encoding of a format; nil for those that bear no media of ours, and for clocks that are not its own.
    public init?(_ format: PayloadFormat) {
        let name = format.encoding.lowercased()
        guard let codec = Self.allCases.first(where: { $0.rawValue.lowercased() == name }) else { return nil }
        guard format.clockRate == codec.clockRate, codec != .opus || format.channels == 2 else { return nil }
        self = codec
    }

    /// Whether it is sound or pictures.
    public var kind: MediaKind { self == .opus ? .audio : .video }

    /// Ticks a second: 48 000 for Opus (RFC 7587 §4.1), 90 000 for pictures.
    public var clockRate: UInt32 { self == .opus ? 48_000 : 90_000 }
}
