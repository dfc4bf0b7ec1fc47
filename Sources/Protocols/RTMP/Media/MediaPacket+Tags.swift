// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// Video tags, FLV 10.1 §E.4.3 and Enhanced RTMP 2.
extension MediaPacket {
    init(videoTag body: ByteSlice) throws(TagFailure) {
        var reader = ByteReader(body)
        let first = try reader.read { (r) throws(Truncated) in try r.uint8() }
        let frameType = first >> 4 & 7
        if first & 0x80 == 0 {
            guard frameType != Self.commandFrame else { throw .notMedia }
            try self.init(legacyVideo: &reader, codec: first & 15, isKeyFrame: frameType == 1)
        } else {
            // Metadata bears the type of a command frame, so the packet's type is read first.
            let head = try EnhancedHead(packetType: first & 15, &reader, isVideo: true)
            guard frameType != Self.commandFrame else { throw .notMedia }
            try self.init(enhancedVideo: head, isKeyFrame: frameType == 1)
        }
    }

    /// Codec 7 is H.264; 12 is HEVC by a habit older than Enhanced RTMP.
    private init(legacyVideo reader: inout ByteReader, codec: UInt8, isKeyFrame: Bool) throws(TagFailure) {
        switch codec {
        case 7: self.codec = .h264
        case 12: self.codec = .hevc
        default: throw .fatal(.unsupportedCodec(UInt32(codec), isVideo: true))
        }
        let (type, offset) = try reader.read { (reader) throws(Truncated) in
            (try reader.uint8(), try reader.int24())
        }
        switch type {
        case 0: content = .configuration
        case 1: content = .unit(offset)
        default: throw .notMedia
        }
        self.isKeyFrame = isKeyFrame
        body = reader.rest
    }

    /// AV1, VP8 and VP9 have no composition time, because their units are in order of decoding and hold what is shown by
    /// themselves.
    private init(enhancedVideo head: EnhancedHead, isKeyFrame: Bool) throws(TagFailure) {
        var reader = ByteReader(head.body)
        switch head.packetType {
        case 0: content = .configuration
        case 1 where ![.h264, .hevc].contains(head.codec): content = .unit(0)
        case 1: content = .unit(try reader.read { (r) throws(Truncated) in try r.int24() })
        case 3: content = .unit(0)
        default: throw .notMedia
        }
        codec = head.codec
        self.isKeyFrame = isKeyFrame
        body = reader.rest
    }

    private static let commandFrame: UInt8 = 5
}

/// Audio tags, FLV 10.1 §E.4.2 and Enhanced RTMP 2. Rate, size and channels of the first byte are meaningless.
extension MediaPacket {
    init(audioTag body: ByteSlice) throws(TagFailure) {
        var reader = ByteReader(body)
        let first = try reader.read { (r) throws(Truncated) in try r.uint8() }
        let type: UInt8
        switch first >> 4 {
        case 10:
            type = try reader.read { (r) throws(Truncated) in try r.uint8() }
            codec = .aac
            self.body = reader.rest
        case 9:
            let head = try EnhancedHead(packetType: first & 15, &reader, isVideo: false)
            type = head.packetType
            codec = head.codec
            self.body = head.body
        default: throw .fatal(.unsupportedCodec(UInt32(first >> 4), isVideo: false))
        }
        switch type {
        case 0: content = .configuration
        case 1: content = .unit(0)
        default: throw .notMedia
        }
    }
}
