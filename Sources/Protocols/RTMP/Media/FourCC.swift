// SPDX-License-Identifier: Apache-2.0

import Media

/// The four letters by which Enhanced RTMP names a codec.
struct FourCC: Hashable {
    let rawValue: UInt32

    init(rawValue: UInt32) { self.rawValue = rawValue }

    private init(_ letters: StaticString) {
        rawValue = letters.withUTF8Buffer { $0.reduce(0) { $0 << 8 | UInt32($1) } }
    }

    static let aac = FourCC("mp4a")
    static let av1 = FourCC("av01")
    static let avc = FourCC("avc1")
    static let hevc = FourCC("hvc1")
    static let opus = FourCC("Opus")
    static let vp8 = FourCC("vp08")
    static let vp9 = FourCC("vp09")

    /// The code of a codec.
    init(_ codec: Codec) {
        switch codec {
        case .aac: self = .aac
        case .av1: self = .av1
        case .h264: self = .avc
        case .hevc: self = .hevc
        case .opus: self = .opus
        case .vp8: self = .vp8
        case .vp9: self = .vp9
        }
    }

    /// The codec, of audio or of video as `isVideo` says.
    func codec(isVideo: Bool) throws(TagFailure) -> Codec {
        for codec in Codec.allCases where codec.isVideo == isVideo && FourCC(codec) == self { return codec }
        throw .fatal(.unsupportedCodec(rawValue, isVideo: isVideo))
    }
}
