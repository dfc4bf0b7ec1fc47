// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// AV1CodecConfigurationRecord, AV1-ISOBMFF §2.3.
extension VideoParameters {
    /// Reads the body of `av1C`. It is written anew from the sequence header within; other units in it are dropped.
    /// - Throws: `.unsupported("av1C without sequence header")` where it comes in band; `.truncated`; `.malformed`.
    public init(av1C record: ByteSlice) throws(MediaFailure) {
        guard record.count <= Self.longestRecord else { throw .malformed("av1C length") }
        guard record.count >= 4 else { throw .truncated }
        guard record.first == 0x81 else { throw .malformed("av1C version") }
        var units = AV1TemporalUnit(record.dropFirst(4))
        while let unit = units.next() {
            guard unit.kind == .sequenceHeader else { continue }
            try self.init(av1SequenceHeader: unit.payload)
            return
        }
        throw units.isMalformed ? .truncated : .unsupported("av1C without sequence header")
    }

    /// Builds the configuration of an AV1 track from the payload of its sequence header OBU.
    public init(av1SequenceHeader payload: ByteSlice) throws(MediaFailure) {
        guard payload.count <= Self.longestSequenceHeader else { throw .malformed("sequence header") }
        let header = try AV1SequenceHeader(payload)
        self.init(
            codec: .av1, record: Self.av1C(header, payload)[...], width: header.format.width,
            height: header.format.height, frameRate: header.format.frameRate,
            codecString: Self.codecString(header))
    }

    private static func av1C(_ header: AV1SequenceHeader, _ payload: ByteSlice) -> [UInt8] {
        var samples: UInt8 = header.isHighTier ? 0x80 : 0
        if header.format.lumaDepth > 8 { samples |= 0x40 }
        if header.format.lumaDepth > 10 { samples |= 0x20 }
        if header.isMonochrome { samples |= 0x10 }
        if header.subsamplesX { samples |= 0x08 }
        if header.subsamplesY { samples |= 0x04 }
        samples |= header.chromaPosition
        return [0x81, header.profile << 5 | header.level, samples, 0, 0x0A, UInt8(payload.count)] + payload
    }

    /// AV1-ISOBMFF §5: profile, level and tier, bit depth.
    private static func codecString(_ header: AV1SequenceHeader) -> String {
        func padded(_ number: UInt8) -> String { (number < 10 ? "0" : "") + String(number) }
        return "av01.\(header.profile).\(padded(header.level))\(header.isHighTier ? "H" : "M")"
            + ".\(padded(header.format.lumaDepth))"
    }

    /// The most that fits a size of one byte; real ones have a dozen bytes.
    private static let longestSequenceHeader = 127
}
