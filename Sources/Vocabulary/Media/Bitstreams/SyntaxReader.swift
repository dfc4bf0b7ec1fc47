// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Reads the syntax elements of parameter sets under the names that the video standards give their descriptors.
struct SyntaxReader {
    private var reader: BitReader

    init(_ bytes: ByteSlice) { reader = BitReader(bytes) }

    /// How many bits are left.
    var count: Int { reader.count }

    /// u(1)
    mutating func flag() throws(MediaFailure) -> Bool {
        do { return try reader.flag() } catch { throw .truncated }
    }

    /// u(width), up to 32 bits.
    mutating func bits(_ width: Int) throws(MediaFailure) -> UInt32 {
        do { return try reader.bits(width) } catch { throw .truncated }
    }

    /// u(8)
    mutating func byte() throws(MediaFailure) -> UInt8 { UInt8(truncatingIfNeeded: try bits(8)) }

    /// Any number of bits that say nothing to us.
    mutating func skip(_ width: Int) throws(MediaFailure) {
        do { try reader.skip(width) } catch { throw .truncated }
    }

    /// ue(v)
    mutating func unsigned() throws(MediaFailure) -> UInt32 {
        do { return try reader.unsignedExpGolomb() } catch { throw .truncated }
    }

    /// ue(v) with the largest value that the standard allows.
    mutating func unsigned(max: UInt32, _ name: MediaFailure.StaticName) throws(MediaFailure) -> Int {
        let value = try unsigned()
        guard value <= max else { throw .malformed(name) }
        return Int(value)
    }

    /// se(v)
    mutating func signed() throws(MediaFailure) -> Int32 {
        do { return try reader.signedExpGolomb() } catch { throw .truncated }
    }

    /// `count` elements of ue(v) that say nothing to us.
    mutating func skipUnsigned(_ count: Int) throws(MediaFailure) {
        for _ in 0..<count { _ = try unsigned() }
    }

    /// `count` elements of se(v) that say nothing to us.
    mutating func skipSigned(_ count: Int) throws(MediaFailure) {
        for _ in 0..<count { _ = try signed() }
    }
}

extension ByteSlice {
    /// The payload of a NAL unit without emulation prevention: each `00 00 03` becomes `00 00`, ITU-T H.264 §7.3.1.
    func withoutEmulationPrevention() -> ByteSlice {
        var payload: [UInt8] = []
        payload.reserveCapacity(count)
        var zeros = 0
        for byte in self {
            if zeros >= 2, byte == 3 {
                zeros = 0
                continue
            }
            zeros = byte == 0 ? zeros + 1 : 0
            payload.append(byte)
        }
        return payload[...]
    }
}
