// SPDX-License-Identifier: Apache-2.0

import Bytes

/// The sequence parameter set of HEVC, ITU-T H.265 §7.3.2.2.1.
struct HEVCSequenceParameters {
    /// `general_profile_space`, tier, profile, compatibility, constraints and level: the 12 bytes as `hvcC` repeats them.
    let general: ByteSlice
    let temporalLayers: UInt8
    let isTemporallyNested: Bool
    private(set) var format: PictureFormat

    /// Reads an SPS NAL unit with its two header bytes. Of what stands behind the bit depths nothing but the VUI is
    /// wanted, and where that can not be reached it counts as saying nothing.
    init(_ unit: ByteSlice) throws(MediaFailure) {
        guard NALUnitKind(hevc: unit) == .sequenceParameterSet else { throw .malformed("SPS") }
        let payload = unit.dropFirst(2).withoutEmulationPrevention()
        guard payload.count > 13 else { throw .truncated }
        var reader = SyntaxReader(payload)
        try reader.skip(4)
        let subLayers = Int(try reader.bits(3))
        guard subLayers <= 6 else { throw .malformed("sps_max_sub_layers_minus1") }
        temporalLayers = UInt8(subLayers + 1)
        isTemporallyNested = try reader.flag()
        general = payload.dropFirst().prefix(12)
        try Self.skipProfileTierLevel(&reader, subLayers: subLayers)
        _ = try reader.unsigned(max: 15, "sps_seq_parameter_set_id")
        format = try Self.picture(&reader)
        do throws(MediaFailure) { try readTail(&reader, subLayers: subLayers) } catch {}
    }

    /// §7.3.3
    private static func skipProfileTierLevel(_ reader: inout SyntaxReader, subLayers: Int) throws(MediaFailure) {
        try reader.skip(96)
        guard subLayers > 0 else { return }
        var bits = 0
        for layer in 0..<8 {
            let (hasProfile, hasLevel) = (try reader.flag(), try reader.flag())
            guard layer < subLayers else { continue }
            bits += (hasProfile ? 88 : 0) + (hasLevel ? 8 : 0)
        }
        try reader.skip(bits)
    }

    /// Size less the conformance window, and what samples are made of.
    private static func picture(_ reader: inout SyntaxReader) throws(MediaFailure) -> PictureFormat {
        let chroma = try reader.unsigned(max: 3, "chroma_format_idc")
        let separatePlanes = chroma == 3 ? try reader.flag() : false
        var (width, height) = (Int(try reader.unsigned()), Int(try reader.unsigned()))
        if try reader.flag() {
            let unitX = !separatePlanes && (chroma == 1 || chroma == 2) ? 2 : 1
            let unitY = chroma == 1 ? 2 : 1
            width -= unitX * (Int(try reader.unsigned()) + Int(try reader.unsigned()))
            height -= unitY * (Int(try reader.unsigned()) + Int(try reader.unsigned()))
        }
        var format = try PictureFormat(width: width, height: height)
        format.chromaFormat = UInt8(chroma)
        format.lumaDepth = 8 + UInt8(try reader.unsigned(max: 7, "bit_depth_luma_minus8"))
        format.chromaDepth = 8 + UInt8(try reader.unsigned(max: 7, "bit_depth_chroma_minus8"))
        return format
    }

    /// All between the bit depths and the VUI, and of the VUI what tells a player something.
    private mutating func readTail(_ reader: inout SyntaxReader, subLayers: Int) throws(MediaFailure) {
        let orderBits = 4 + (try reader.unsigned(max: 12, "log2_max_pic_order_cnt_lsb_minus4"))
        try reader.skipUnsigned(3 * (try reader.flag() ? subLayers + 1 : 1))
        try reader.skipUnsigned(6)
        if try reader.flag(), try reader.flag() { try Self.skipScalingLists(&reader) }
        try reader.skip(2)
        if try reader.flag() {
            try reader.skip(8)
            try reader.skipUnsigned(2)
            try reader.skip(1)
        }
        try Self.skipReferenceSets(&reader)
        if try reader.flag() {
            let pictures = try reader.unsigned(max: 32, "num_long_term_ref_pics_sps")
            try reader.skip(pictures * (orderBits + 1))
        }
        try reader.skip(2)
        if try reader.flag() { try readVUI(&reader) }
    }

    /// §7.3.4
    private static func skipScalingLists(_ reader: inout SyntaxReader) throws(MediaFailure) {
        for size in 0..<4 {
            for _ in stride(from: 0, to: 6, by: size == 3 ? 3 : 1) {
                if try reader.flag() {
                    try reader.skipSigned(min(64, 16 << (size * 2)) + (size > 1 ? 1 : 0))
                } else {
                    _ = try reader.unsigned()
                }
            }
        }
    }

    /// §7.3.7
    private static func skipReferenceSets(_ reader: inout SyntaxReader) throws(MediaFailure) {
        var pictures = 0
        for set in 0..<(try reader.unsigned(max: 64, "num_short_term_ref_pic_sets")) {
            if set > 0, try reader.flag() {
                try reader.skip(1)
                _ = try reader.unsigned()
                pictures = try countPredicted(&reader, from: pictures)
            } else {
                pictures = try reader.unsigned(max: 16, "num_negative_pics")
                pictures += try reader.unsigned(max: 16, "num_positive_pics")
                for _ in 0..<pictures {
                    _ = try reader.unsigned()
                    try reader.skip(1)
                }
            }
        }
    }

    /// How many pictures a set has that is predicted from one of `reference` pictures, equations 7-61 and 7-62.
    private static func countPredicted(
        _ reader: inout SyntaxReader, from reference: Int
    ) throws(MediaFailure) -> Int {
        var count = 0
        for _ in 0...reference {
            let isUsed = try reader.flag()
            let isKept = isUsed ? true : try reader.flag()
            count += isKept ? 1 : 0
        }
        return count
    }

    /// §E.2.1; a frame lasts one tick.
    private mutating func readVUI(_ reader: inout SyntaxReader) throws(MediaFailure) {
        try format.readDisplay(&reader)
        try reader.skip(3)
        if try reader.flag() { try reader.skipUnsigned(4) }
        guard try reader.flag() else { return }
        let (tick, scale) = (try reader.bits(32), try reader.bits(32))
        format.frameRate = PictureFormat.saneRate(scale, UInt64(tick))
    }
}
