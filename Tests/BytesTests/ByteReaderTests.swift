// SPDX-License-Identifier: Apache-2.0

import Bytes
import Testing

@Suite("A byte reader")
struct ByteReaderTests {
    @Test("reads what the writer wrote")
    func roundTrip() throws {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt16(0xBEEF))
        bytes.append(bigEndian24: 0x0102_03)
        bytes.append(bigEndian: UInt64.max - 1)
        bytes.append(littleEndian: UInt32(7))
        var reader = ByteReader(bytes)
        #expect(try reader.uint16() == 0xBEEF)
        #expect(try reader.uint24() == 0x010203)
        #expect(try reader.uint64() == .max - 1)
        #expect(try reader.littleEndianUInt32() == 7)
        #expect(reader.isEmpty)
    }

    @Test("throws at the end and stays where it was")
    func truncation() throws {
        var reader = ByteReader([1, 2, 3])
        #expect(throws: Truncated.self) { _ = try reader.uint32() }
        #expect(throws: Truncated.self) { _ = try reader.bytes(-1) }
        #expect(reader.count == 3)
        #expect(try reader.int24() == 0x010203)
    }

    @Test("reads signed 24-bit numbers", arguments: [(0xFFFFFF, -1), (0x800000, -8_388_608), (0x7FFFFF, 8_388_607)])
    func signed(wire: Int, value: Int32) throws {
        var bytes: [UInt8] = []
        bytes.append(bigEndian24: UInt32(wire))
        var reader = ByteReader(bytes)
        #expect(try reader.int24() == value)
    }

    @Test("reads Exp-Golomb codes of H.264 table 9-2")
    func expGolomb() throws {
        // 1 | 010 | 011 | 00100 | 00101 → 0 1 2 3 4
        var reader = BitReader([0b1010_0110, 0b0100_0010, 0b1000_0000][...])
        for expected in 0...4 { #expect(try reader.unsignedExpGolomb() == UInt32(expected)) }
    }

    @Test("parses sizes with their unit", arguments: [("12", 12), ("3B", 3), ("64KiB", 65536), ("8MiB", 8 << 20)])
    func sizes(text: String, bytes: Int) {
        #expect(ByteCount(parsing: text)?.bytes == bytes)
        #expect(ByteCount(parsing: "\(text)x") == nil)
    }

    @Test("turns bytes to hexadecimal and back")
    func hexadecimal() {
        #expect([UInt8](hex: "00ff7F") == [0, 255, 127])
        #expect([UInt8]([0, 255, 127]).hex == "00ff7f")
        #expect([UInt8](hex: "0") == nil)
        #expect([UInt8](hex: "zz") == nil)
    }
}
