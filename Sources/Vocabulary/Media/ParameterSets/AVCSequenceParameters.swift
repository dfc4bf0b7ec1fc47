// SPDX-License-Identifier: Apache-2.0

import Bytes

/// The sequence parameter set of H.264, ITU-T H.264 §7.3.2.1.1.
struct AVCSequenceParameters {
    let profile: UInt8
    let constraints: UInt8
    let level: UInt8
    private(set) var format: PictureFormat

    /// Reads an SPS NAL unit with its header byte. A VUI that is cut short counts as one that says nothing.
    init(_ unit: ByteSlice) throws(MediaFailure) {
        guard NALUnitKind(h264: unit) == .sequenceParameterSet else { throw .malformed("SPS") }
        var reader = SyntaxReader(unit.dropFirst().withoutEmulationPrevention())
        profile = try reader.byte()
        constraints = try reader.byte()
        level = try reader.byte()
        _ = try reader.unsigned(max: 31, "seq_parameter_set_id")
        let samples = try Samples(&reader, profile: profile)
        try Self.skipOrder(&reader)
        format = try Self.picture(&reader, samples)
        readVUI(&reader)
    }

    /// What High profiles add: chroma format, depths and scaling matrices.
    private struct Samples {
        var chromaFormat = 1
        var separatePlanes = false
        var lumaDepth = 8
        var chromaDepth = 8

        init(_ reader: inout SyntaxReader, profile: UInt8) throws(MediaFailure) {
            guard AVCSequenceParameters.highProfiles.contains(profile) else { return }
            chromaFormat = try reader.unsigned(max: 3, "chroma_format_idc")
            if chromaFormat == 3 { separatePlanes = try reader.flag() }
            lumaDepth = 8 + (try reader.unsigned(max: 6, "bit_depth_luma_minus8"))
            chromaDepth = 8 + (try reader.unsigned(max: 6, "bit_depth_chroma_minus8"))
            try reader.skip(1)
            guard try reader.flag() else { return }
            for list in 0..<(chromaFormat == 3 ? 12 : 8) where try reader.flag() {
                try AVCSequenceParameters.skipScalingList(&reader, size: list < 6 ? 16 : 64)
            }
        }
    }

    /// §7.3.2.1.1.1
    private static func skipScalingList(_ reader: inout SyntaxReader, size: Int) throws(MediaFailure) {
        var (last, next): (Int32, Int32) = (8, 8)
        for _ in 0..<size {
            if next != 0 { next = (last &+ (try reader.signed())) & 255 }
            if next != 0 { last = next }
        }
    }

    /// Frame numbers, picture order count and reference frames.
    private static func skipOrder(_ reader: inout SyntaxReader) throws(MediaFailure) {
        _ = try reader.unsigned()
        switch try reader.unsigned(max: 2, "pic_order_cnt_type") {
        case 0: _ = try reader.unsigned()
        case 1:
            try reader.skip(1)
            try reader.skipSigned(2)
            try reader.skipSigned(try reader.unsigned(max: 255, "num_ref_frames_in_pic_order_cnt_cycle"))
        default: break
        }
        _ = try reader.unsigned()
        try reader.skip(1)
    }

    /// Size in macroblocks, less the cropping of equations 7-19 to 7-22.
    private static func picture(
        _ reader: inout SyntaxReader, _ samples: Samples
    ) throws(MediaFailure) -> PictureFormat {
        var width = 16 * (Int(try reader.unsigned()) + 1)
        var height = 16 * (Int(try reader.unsigned()) + 1)
        let fieldFactor = try reader.flag() ? 1 : 2
        height *= fieldFactor
        if fieldFactor == 2 { try reader.skip(1) }
        try reader.skip(1)
        if try reader.flag() {
            let chroma = samples.separatePlanes ? 0 : samples.chromaFormat
            let unitX = chroma == 1 || chroma == 2 ? 2 : 1
            let unitY = (chroma == 1 ? 2 : 1) * fieldFactor
            width -= unitX * (Int(try reader.unsigned()) + Int(try reader.unsigned()))
            height -= unitY * (Int(try reader.unsigned()) + Int(try reader.unsigned()))
        }
        var format = try PictureFormat(width: width, height: height)
        format.chromaFormat = UInt8(samples.chromaFormat)
        format.lumaDepth = UInt8(samples.lumaDepth)
        format.chromaDepth = UInt8(samples.chromaDepth)
        return format
    }

    /// §E.1.1; a frame lasts two ticks.
    private mutating func readVUI(_ reader: inout SyntaxReader) {
        do throws(MediaFailure) {
            guard try reader.flag() else { return }
            try format.readDisplay(&reader)
            guard try reader.flag() else { return }
            let (tick, scale) = (try reader.bits(32), try reader.bits(32))
            format.frameRate = PictureFormat.saneRate(scale, UInt64(tick) * 2)
        } catch {}
    }

    /// Profiles whose SPS has a chroma format, §7.3.2.1.1.
    static let highProfiles: Set<UInt8> = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]
}
