// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// What Enhanced RTMP 2 puts between a tag's first byte and its media: modifiers, tracks, the codec.
struct EnhancedHead {
    /// The packet's type, within the meaning that audio or video gives it.
    let packetType: UInt8
    let codec: Codec
    let body: ByteSlice

    private init(packetType: UInt8, codec: Codec, body: ByteSlice) {
        self.packetType = packetType
        self.codec = codec
        self.body = body
    }

    /// Reads on behind the first byte, whose low four bits are `packetType`.
    init(packetType: UInt8, _ reader: inout ByteReader, isVideo: Bool) throws(TagFailure) {
        var packetType = packetType
        while packetType == Self.modifier {
            packetType = try Self.skipModifier(&reader)
        }
        guard !isVideo || packetType != Self.videoMetadata else { throw .notMedia }
        guard packetType == Self.multitrack(isVideo) else {
            let codec = try Self.fourCC(&reader).codec(isVideo: isVideo)
            self.init(packetType: packetType, codec: codec, body: reader.rest)
            return
        }
        try self.init(tracks: &reader, isVideo: isVideo)
    }

    /// Skips a modifier: its size, its data, then its kind and the type of what follows. Nanoseconds within the
    /// millisecond, the one kind there is, are finer than our clock of ingest.
    private static func skipModifier(_ reader: inout ByteReader) throws(TagFailure) -> UInt8 {
        try reader.read { (reader) throws(Truncated) in
            var size = Int(try reader.uint8()) + 1
            if size == 256 { size = Int(try reader.uint16()) + 1 }
            _ = try reader.bytes(size)
            return try reader.uint8() & 15
        }
    }

    /// Finds track 0 among those of a multitrack tag: we carry one video and one audio track. Enhanced RTMP 2 has track
    /// 0 as the one for those who carry one, so a publisher of many is not refused; the others are passed over and
    /// counted.
    private init(tracks reader: inout ByteReader, isVideo: Bool) throws(TagFailure) {
        let head = try reader.read { (r) throws(Truncated) in try r.uint8() }
        let (kind, type) = (head >> 4, head & 15)
        guard kind <= Self.manyCodecs, type != Self.multitrack(isVideo), type != Self.modifier else { throw .malformed }
        var fourCC = kind == Self.manyCodecs ? FourCC(rawValue: 0) : try Self.fourCC(&reader)
        while !reader.isEmpty {
            if kind == Self.manyCodecs { fourCC = try Self.fourCC(&reader) }
            let (track, body) = try Self.track(&reader, hasSize: kind != Self.oneTrack)
            guard track == 0 else { continue }
            self.init(packetType: type, codec: try fourCC.codec(isVideo: isVideo), body: body)
            return
        }
        throw .otherTrack
    }

    private static func track(_ reader: inout ByteReader, hasSize: Bool) throws(TagFailure) -> (UInt8, ByteSlice) {
        try reader.read { (reader) throws(Truncated) in
            let track = try reader.uint8()
            let size = hasSize ? Int(try reader.uint24()) : reader.count
            return (track, try reader.bytes(size))
        }
    }

    private static func fourCC(_ reader: inout ByteReader) throws(TagFailure) -> FourCC {
        FourCC(rawValue: try reader.read { (reader) throws(Truncated) in try reader.uint32() })
    }

    private static func multitrack(_ isVideo: Bool) -> UInt8 { isVideo ? 6 : 5 }

    private static let modifier: UInt8 = 7
    private static let videoMetadata: UInt8 = 4
    private static let oneTrack: UInt8 = 0
    private static let manyCodecs: UInt8 = 2
}
