// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// The depacketizer of one codec's pictures.
enum Depacketizer: Sendable {
    case av1(AV1Depacketizer)
    case frame(FrameDepacketizer)
    case nal(NALDepacketizer)

    init(_ codec: RTPCodec, longest: Int) {
        switch codec {
        case .av1: self = .av1(AV1Depacketizer(longest: longest))
        case .h264, .hevc: self = .nal(NALDepacketizer(codec, longest: longest))
        case .vp8, .vp9: self = .frame(FrameDepacketizer(codec, longest: longest))
        case .opus: preconditionFailure("sound is one packet a unit")
        }
    }

    /// Takes the next payload of a picture.
    mutating func append(_ payload: ByteSlice) throws(RTPFailure) {
        switch consume self {
        case .av1(var inner):
            defer { self = .av1(inner) }
            try inner.append(payload)
        case .frame(var inner):
            defer { self = .frame(inner) }
            try inner.append(payload)
        case .nal(var inner):
            defer { self = .nal(inner) }
            try inner.append(payload)
        }
    }

    /// The picture, or nil where its end is missing; begins the next.
    mutating func finish() -> [UInt8]? {
        switch consume self {
        case .av1(var inner):
            defer { self = .av1(inner) }
            return inner.finish()
        case .frame(var inner):
            defer { self = .frame(inner) }
            return inner.finish()
        case .nal(var inner):
            defer { self = .nal(inner) }
            return inner.finish()
        }
    }
}

extension RTPCodec {
    /// Whether a payload is the beginning of a picture, as far as it tells by itself.
    public func beginsPicture(_ payload: ByteSlice) -> Bool {
        switch self {
        case .av1: AV1Depacketizer.begins(payload)
        case .h264, .hevc: NALDepacketizer.begins(payload, self)
        case .opus: true
        case .vp8, .vp9: FrameDepacketizer.begins(payload, self)
        }
    }

    /// Whether a payload is the beginning of a picture at which decoding can start, as far as it tells by itself.
    public func beginsRandomAccess(_ payload: ByteSlice) -> Bool {
        switch self {
        case .av1: AV1Depacketizer.beginsRandomAccess(payload)
        case .h264, .hevc: NALDepacketizer.beginsRandomAccess(payload, self)
        case .opus: true
        case .vp8, .vp9: FrameDepacketizer.beginsRandomAccess(payload, self)
        }
    }
}
