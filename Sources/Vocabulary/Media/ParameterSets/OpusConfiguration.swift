// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// OpusHead, RFC 7845 §5.1, and `dOps`, Opus in ISOBMFF §4.3.2: the same fields in opposite byte orders.
extension AudioParameters {
    /// Reads an OpusHead with its magic, as Ogg and Enhanced RTMP carry it. The record becomes the body of `dOps`.
    public init(opusHead record: ByteSlice) throws(MediaFailure) {
        guard record.count >= 8 else { throw .truncated }
        guard record.prefix(8).elementsEqual("OpusHead".utf8) else { throw .malformed("OpusHead") }
        var reader = ByteReader(record.dropFirst(8))
        try self.init(opus: &reader, isLittleEndian: true)
    }

    /// Reads the body of `dOps`; bytes behind it are dropped.
    public init(dOps record: ByteSlice) throws(MediaFailure) {
        var reader = ByteReader(record)
        try self.init(opus: &reader, isLittleEndian: false)
    }

    private init(opus reader: inout ByteReader, isLittleEndian: Bool) throws(MediaFailure) {
        let fields: OpusFields
        do throws(Truncated) {
            fields = try OpusFields(&reader, isLittleEndian: isLittleEndian)
        } catch { throw .truncated }
        guard fields.version & 0xF0 == 0 else { throw .unsupported("Opus version") }
        guard fields.channels > 0, fields.family != 0 || fields.channels <= 2 else { throw .malformed("Opus channels") }
        self.init(
            codec: .opus, record: fields.dOps[...], sampleRate: 48_000, channels: fields.channels,
            codecString: "opus", samplesPerUnit: nil)
    }
}

private struct OpusFields {
    let version: UInt8
    let channels: UInt8
    let preSkip: UInt16
    let inputRate: UInt32
    let gain: UInt16
    let family: UInt8
    /// Stream count, coupled count and the mapping of each channel; empty in family 0.
    let mapping: ByteSlice

    init(_ reader: inout ByteReader, isLittleEndian: Bool) throws(Truncated) {
        version = try reader.uint8()
        channels = try reader.uint8()
        preSkip = isLittleEndian ? try reader.littleEndianUInt16() : try reader.uint16()
        inputRate = isLittleEndian ? try reader.littleEndianUInt32() : try reader.uint32()
        gain = isLittleEndian ? try reader.littleEndianUInt16() : try reader.uint16()
        family = try reader.uint8()
        mapping = family == 0 ? [] : try reader.bytes(2 + Int(channels))
    }

    var dOps: [UInt8] {
        var record: [UInt8] = [0, channels]
        record.append(bigEndian: preSkip)
        record.append(bigEndian: inputRate)
        record.append(bigEndian: gain)
        record.append(family)
        return record + mapping
    }
}
