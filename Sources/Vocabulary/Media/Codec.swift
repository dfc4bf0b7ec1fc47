// SPDX-License-Identifier: Apache-2.0

/// The codecs that Millrace carries.
public enum Codec: UInt8, Hashable, Sendable, CaseIterable {
    case aac = 1
    case av1 = 2
    case h264 = 3
    case hevc = 4
    case opus = 5
    case vp8 = 6
    case vp9 = 7

    /// Whether units of the codec are pictures.
    public var isVideo: Bool {
        switch self {
        case .av1, .h264, .hevc, .vp8, .vp9: true
        case .aac, .opus: false
        }
    }

    /// The name people know it by.
    public var name: String {
        switch self {
        case .aac: "AAC"
        case .av1: "AV1"
        case .h264: "H.264"
        case .hevc: "HEVC"
        case .opus: "Opus"
        case .vp8: "VP8"
        case .vp9: "VP9"
        }
    }
}
