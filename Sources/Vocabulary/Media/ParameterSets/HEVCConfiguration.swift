// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// HEVCDecoderConfigurationRecord, ISO/IEC 14496-15 §8.3.3.
extension VideoParameters {
    /// Reads the body of `hvcC`.
    ///
    /// The record is written anew from the parameter sets within, with 4-byte lengths. SEI units in it (x265 puts two
    /// kilobytes of its own settings there) and bytes after the arrays are dropped.
    /// - Throws: `.unsupported("hvcC without SPS")` where the sets come in band; `.truncated`; `.malformed`.
    public init(hvcC record: ByteSlice) throws(MediaFailure) {
        guard record.count <= Self.longestRecord else { throw .malformed("hvcC length") }
        guard record.first == 1 else { throw record.isEmpty ? .truncated : .malformed("configurationVersion") }
        var units: [ByteSlice] = []
        var reader = ByteReader(record)
        do throws(Truncated) {
            _ = try reader.bytes(22)
            for _ in 0..<(try reader.uint8()) {
                _ = try reader.uint8()
                for _ in 0..<(try reader.uint16()) { units.append(try reader.bytes(Int(try reader.uint16()))) }
            }
        } catch { throw .truncated }
        guard units.contains(where: { NALUnitKind(hevc: $0) == .sequenceParameterSet }) else {
            throw .unsupported("hvcC without SPS")
        }
        try self.init(vps: units, sps: units, pps: units)
    }

    /// Builds the configuration of an HEVC track from its parameter sets, NAL units with their two header bytes.
    ///
    /// Size, profile, tier and level are those of the first SPS. Sets of other kinds, duplicates and empty ones are
    /// dropped, so one list of mixed sets may be given three times.
    /// - Throws: `.malformed` with `VPS`, `SPS` or `PPS` where there is none, one that can not be read, or more than
    ///   ``ParameterSetLimits`` allows; `.malformed("hvcC length")` above 64 KiB.
    public init(vps: [ByteSlice], sps: [ByteSlice], pps: [ByteSlice]) throws(MediaFailure) {
        let limits = ParameterSetLimits.hevc
        let vps = vps.distinct { NALUnitKind(hevc: $0) == .videoParameterSet }
        let sps = sps.distinct { NALUnitKind(hevc: $0) == .sequenceParameterSet }
        let pps = pps.distinct { NALUnitKind(hevc: $0) == .pictureParameterSet }
        guard (1...limits.vps).contains(vps.count) else { throw .malformed("VPS") }
        guard let first = sps.first, sps.count <= limits.sps else { throw .malformed("SPS") }
        guard (1...limits.pps).contains(pps.count) else { throw .malformed("PPS") }
        guard [vps, sps, pps].bytes <= limits.bytes else { throw .malformed("hvcC length") }
        let sequence = try HEVCSequenceParameters(first)
        self.init(
            codec: .hevc, record: Self.hvcC(sequence, [(32, vps), (33, sps), (34, pps)])[...],
            width: sequence.format.width, height: sequence.format.height, frameRate: sequence.format.frameRate,
            codecString: Self.codecString(general: sequence.general))
    }

    /// Segmentation, parallelism and average frame rate are left at "unknown", which the standard allows.
    private static func hvcC(_ sequence: HEVCSequenceParameters, _ sets: [(UInt8, [ByteSlice])]) -> [UInt8] {
        var record: [UInt8] = [1]
        record.append(contentsOf: sequence.general)
        record.append(contentsOf: [0xF0, 0x00, 0xFC])
        record.append(0xFC | sequence.format.chromaFormat)
        record.append(0xF8 | (sequence.format.lumaDepth - 8))
        record.append(0xF8 | (sequence.format.chromaDepth - 8))
        record.append(bigEndian: UInt16(0))
        record.append(sequence.temporalLayers << 3 | (sequence.isTemporallyNested ? 4 : 0) | 3)
        record.append(UInt8(sets.count))
        for (type, units) in sets {
            record.append(0x80 | type)
            record.append(bigEndian: UInt16(units.count))
            for unit in units { record.append(lengthPrefixed: unit) }
        }
        return record
    }

    /// ISO/IEC 14496-15 §E.3: profile, compatibility flags in reverse bit order, tier and level, constraint bytes up to
    /// the last that is not 0.
    private static func codecString(general: ByteSlice) -> String {
        let bytes = Array(general)
        var compatibility: UInt32 = 0
        for bit in 0..<32 where bytes[1 + bit >> 3] >> (7 - UInt8(bit & 7)) & 1 == 1 { compatibility |= 1 << bit }
        var constraints = bytes[5..<11]
        while constraints.last == 0 { constraints.removeLast() }
        var parts = ["hvc1", ["", "A", "B", "C"][Int(bytes[0] >> 6)] + String(bytes[0] & 31)]
        parts.append(String(compatibility, radix: 16, uppercase: true))
        parts.append((bytes[0] & 0x20 == 0 ? "L" : "H") + String(bytes[11]))
        parts += constraints.map { String($0, radix: 16, uppercase: true) }
        return parts.joined(separator: ".")
    }
}
