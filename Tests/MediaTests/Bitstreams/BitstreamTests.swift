// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import Testing

@Suite("NAL units")
struct NALUnitTests {
    @Test("come out of lengths of 1, 2 and 4 bytes", arguments: [1, 2, 4])
    func lengthPrefixed(size: Int) {
        var bytes: [UInt8] = []
        for unit in [[0x65, 1, 2], [], [0x41]] as [[UInt8]] {
            bytes += [UInt8](repeating: 0, count: size - 1) + [UInt8(unit.count)] + unit
        }
        var units = NALUnits(bytes[...], lengthSize: size)
        #expect(units.next() == [0x65, 1, 2])
        #expect(units.next() == [0x41])
        #expect(units.next() == nil)
        #expect(!units.isMalformed)
    }

    @Test("stop at a length that can not be true")
    func malformed() {
        for bytes in [
            [0, 0, 0, 1, 0x65, 0, 0, 0, 2, 9], [0, 0, 0, 1, 0x65, 0, 0], [0, 0, 0, 1, 9, 255, 255, 255, 255],
        ] as [[UInt8]] {
            var units = NALUnits(bytes[...], lengthSize: 4)
            #expect(units.next()?.count == 1)
            #expect(units.next() == nil)
            #expect(units.isMalformed)
        }
    }

    @Test("come out of start codes of three and four bytes, without trailing zeros")
    func annexB() {
        let bytes: [UInt8] = [9, 0, 0, 0, 1, 0x67, 0, 0, 3, 1, 0, 0, 1, 0x68, 5, 0, 0, 0, 0, 1, 0x65, 0x88, 0, 0]
        #expect(Array(NALUnits(annexB: bytes[...])) == [[0x67, 0, 0, 3, 1], [0x68, 5], [0x65, 0x88]])
        #expect(Array(NALUnits(annexB: [1, 2, 3])).isEmpty)
        #expect(Array(NALUnits(annexB: [])).isEmpty)
    }

    @Test("share the storage and the indices of the unit")
    func sharing() {
        let bytes: [UInt8] = [7, 7, 0, 2, 0x41, 3]
        var units = NALUnits(bytes[2...], lengthSize: 2)
        #expect(units.next()?.indices == 4..<6)
    }

    @Test("know what they are to a packager")
    func kinds() {
        let avc: [(UInt8, NALUnitKind)] = [
            (0x65, .randomAccessSlice), (0x41, .slice), (0x06, .supplement), (0x67, .sequenceParameterSet),
            (0x68, .pictureParameterSet), (0x09, .accessUnitDelimiter), (0x0C, .filler), (0x0A, .other),
        ]
        for (header, kind) in avc { #expect(NALUnitKind(h264: [header]) == kind) }
        let hevc: [(UInt8, NALUnitKind)] = [
            (0x26, .randomAccessSlice), (0x2A, .randomAccessSlice), (0x02, .slice), (0x40, .videoParameterSet),
            (0x42, .sequenceParameterSet), (0x44, .pictureParameterSet), (0x46, .accessUnitDelimiter),
            (0x4C, .filler), (0x4E, .supplement), (0x4A, .other),
        ]
        for (header, kind) in hevc { #expect(NALUnitKind(hevc: [header, 1]) == kind) }
        #expect(NALUnitKind(h264: []) == .other && NALUnitKind(hevc: [0x26]) == .other)
        #expect(!NALUnitKind.sequenceParameterSet.belongsInSample && NALUnitKind.supplement.belongsInSample)
    }
}

@Suite("An AV1 temporal unit")
struct AV1TemporalUnitTests {
    /// The first bytes of SVT-AV1's first temporal unit, its frame cut to two bytes.
    static let key: [UInt8] = [UInt8](hex: "12000a0b000000043cfeccfbf90040320214" + "00") ?? []

    @Test("tells a key frame, its sequence header and the sample without the delimiter")
    func key() {
        let unit = AV1TemporalUnit(Self.key[...])
        #expect(unit.isRandomAccess)
        #expect(unit.sequenceHeader?.count == 13)
        #expect(unit.sample.indices == 2..<Self.key.count)
        #expect(unit.map(\.kind) == [.temporalDelimiter, .sequenceHeader, .frame])
    }

    @Test("without a sequence header or with another frame is no random access point")
    func others() {
        #expect(!AV1TemporalUnit([0x12, 0, 0x32, 2, 0x14, 0]).isRandomAccess)
        #expect(!AV1TemporalUnit([0x0A, 1, 0, 0x32, 2, 0x34, 0]).isRandomAccess)
        #expect(AV1TemporalUnit([0x0A, 1, 0, 0x30, 0x14, 0]).isRandomAccess)  // the last unit without a size
    }

    @Test("drops delimiters and padding in its middle, too")
    func stripping() {
        #expect(AV1TemporalUnit([0x12, 0, 0x0A, 1, 5, 0x7A, 1, 0, 0x32, 1, 9]).sample == [0x0A, 1, 5, 0x32, 1, 9])
        #expect(AV1TemporalUnit([0x12, 0]).sample.isEmpty)
    }

    @Test("stops at a size or a header that can not be true, and survives being cut")
    func damage() {
        for bytes in [[0x32, 9, 1], [0x92, 0], [0x36], [0x32, 255, 255, 255, 255, 255, 255, 255, 255, 1]] as [ByteSlice]
        {
            var unit = AV1TemporalUnit(bytes)
            #expect(unit.next() == nil)
            #expect(unit.isMalformed)
        }
        for length in Self.key.indices {
            let unit = AV1TemporalUnit(Self.key.prefix(length))
            #expect(!unit.isRandomAccess)
            #expect(unit.sample.count <= length)
        }
    }
}

@Suite("An Opus packet")
struct OpusPacketTests {
    @Test(
        "tells its samples by its table of contents",
        arguments: [([0xFC, 0], 960), ([0x08], 960), ([0x19], 5760), ([0x80], 120), ([0xFF, 3], 2880)]
            as [([UInt8], UInt32)])
    func samples(packet: [UInt8], count: UInt32) {
        #expect(OpusPacket.sampleCount(of: packet[...]) == count)
    }

    @Test("without a frame, with over 120 ms, or cut, has no length")
    func invalid() {
        for packet in [[], [0xFF], [0xFF, 0], [0xFF, 7]] as [ByteSlice] {
            #expect(OpusPacket.sampleCount(of: packet) == nil)
        }
    }
}
