// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// AVCDecoderConfigurationRecord, ISO/IEC 14496-15 §5.3.3.
extension VideoParameters {
    /// Reads the body of `avcC`.
    ///
    /// The record is written anew from the parameter sets within, with 4-byte lengths: what the sets say stands above
    /// what the record's head says of them, and bytes after the sets are dropped.
    /// - Throws: `.unsupported("avcC without SPS")` where the sets come in band; `.truncated`; `.malformed`.
    public init(avcC record: ByteSlice) throws(MediaFailure) {
        guard record.count <= Self.longestRecord else { throw .malformed("avcC length") }
        guard record.first == 1 else { throw record.isEmpty ? .truncated : .malformed("configurationVersion") }
        var (sps, pps): ([ByteSlice], [ByteSlice]) = ([], [])
        var reader = ByteReader(record)
        do throws(Truncated) {
            _ = try reader.bytes(5)
            for _ in 0..<(try reader.uint8() & 31) { sps.append(try reader.bytes(Int(try reader.uint16()))) }
            for _ in 0..<(try reader.uint8()) { pps.append(try reader.bytes(Int(try reader.uint16()))) }
        } catch { throw .truncated }
        guard !sps.isEmpty else { throw .unsupported("avcC without SPS") }
        try self.init(sps: sps, pps: pps)
    }

    /// Builds the configuration of an H.264 track from its parameter sets, NAL units with their header byte.
    ///
    /// Size, profile and level are those of the first SPS. Sets of other kinds, duplicates and empty ones are dropped.
    /// - Throws: `.malformed("SPS")`, `.malformed("PPS")` where there is none, one that can not be read, or more than
    ///   ``ParameterSetLimits`` allows; `.malformed("avcC length")` above 64 KiB.
    public init(sps: [ByteSlice], pps: [ByteSlice]) throws(MediaFailure) {
        let limits = ParameterSetLimits.h264
        let sps = sps.distinct { NALUnitKind(h264: $0) == .sequenceParameterSet }
        let pps = pps.distinct { NALUnitKind(h264: $0) == .pictureParameterSet }
        guard let first = sps.first, sps.count <= limits.sps else { throw .malformed("SPS") }
        guard !pps.isEmpty, pps.count <= limits.pps else { throw .malformed("PPS") }
        guard [sps, pps].bytes <= limits.bytes else { throw .malformed("avcC length") }
        let sequence = try AVCSequenceParameters(first)
        self.init(
            codec: .h264, record: Self.avcC(sequence, sps: sps, pps: pps)[...], width: sequence.format.width,
            height: sequence.format.height, frameRate: sequence.format.frameRate,
            codecString: "avc1." + [sequence.profile, sequence.constraints, sequence.level].hex)
    }

    private static func avcC(_ sequence: AVCSequenceParameters, sps: [ByteSlice], pps: [ByteSlice]) -> [UInt8] {
        var record: [UInt8] = [1, sequence.profile, sequence.constraints, sequence.level, 0xFF]
        record.append(0xE0 | UInt8(sps.count))
        for unit in sps { record.append(lengthPrefixed: unit) }
        record.append(UInt8(pps.count))
        for unit in pps { record.append(lengthPrefixed: unit) }
        if ![66, 77, 88].contains(sequence.profile) {
            record.append(0xFC | sequence.format.chromaFormat)
            record.append(0xF8 | (sequence.format.lumaDepth - 8))
            record.append(0xF8 | (sequence.format.chromaDepth - 8))
            record.append(0)
        }
        return record
    }

    /// How many bytes the length before a NAL unit has in the samples that came with this `avcC` or `hvcC`: 1, 2 or 4.
    /// - Throws: `.malformed("lengthSizeMinusOne")` for 3, which no standard allows; `.truncated`.
    public static func nalLengthSize(of record: ByteSlice, codec: Codec) throws(MediaFailure) -> Int {
        let offset = codec == .hevc ? 21 : 4
        guard record.count > offset else { throw .truncated }
        let size = Int(record[record.startIndex + offset] & 3) + 1
        guard size != 3 else { throw .malformed("lengthSizeMinusOne") }
        return size
    }
}

extension [UInt8] {
    /// A parameter set behind its length in 16 bits, as it came out of one.
    mutating func append(lengthPrefixed unit: ByteSlice) {
        append(bigEndian: UInt16(truncatingIfNeeded: unit.count))
        append(contentsOf: unit)
    }
}

extension [ByteSlice] {
    /// The units that a record may list: of the right kind, each once, short enough for a length of 16 bits. Takes time
    /// in proportion to their bytes, whatever they are.
    func distinct(_ isWanted: (ByteSlice) -> Bool) -> [ByteSlice] {
        var known: Set<ByteSlice> = []
        return filter { isWanted($0) && $0.count <= 65_535 && known.insert($0).inserted }
    }
}

extension [[ByteSlice]] {
    /// What all units take, with the two bytes of length before each.
    var bytes: Int { joined().reduce(0) { $0 + $1.count + 2 } }
}
