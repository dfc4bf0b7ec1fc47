// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// Puts a frame of VP8 or VP9 together again: what stands behind the descriptors.
struct FrameDepacketizer: Sendable {
    private var frame: [UInt8] = []
    private let codec: RTPCodec
    private let longest: Int

    init(_ codec: RTPCodec, longest: Int) {
        self.codec = codec
        self.longest = longest
    }

    mutating func append(_ payload: ByteSlice) throws(RTPFailure) {
        guard frame.count + payload.count <= longest else { throw .pictureLength(longest) }
        var rest = payload
        if codec == .vp8 { _ = try VP8Descriptor(parsing: &rest) } else { _ = try VP9Descriptor(parsing: &rest) }
        frame += rest
    }

    mutating func finish() -> [UInt8] {
        defer { frame = [] }
        return frame
    }

    static func begins(_ payload: ByteSlice, _ codec: RTPCodec) -> Bool {
        var rest = payload
        if codec == .vp8 { return (try? VP8Descriptor(parsing: &rest).beginsPicture) ?? false }
        return (try? VP9Descriptor(parsing: &rest).beginsPicture) ?? false
    }

    static func beginsRandomAccess(_ payload: ByteSlice, _ codec: RTPCodec) -> Bool {
        var rest = payload
        if codec == .vp9 {
            guard let descriptor = try? VP9Descriptor(parsing: &rest) else { return false }
            // The descriptor alone does not tell: ffmpeg never sets `P`.
            return descriptor.beginsPicture && !descriptor.isPredicted && VPFrame.isKeyFrame(rest, .vp9)
        }
        guard let descriptor = try? VP8Descriptor(parsing: &rest) else { return false }
        return descriptor.beginsPicture && VPFrame.isKeyFrame(rest, .vp8)
    }
}
