// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Boxes are written around what they hold, so that a wrong length can not be written.
extension [UInt8] {
    /// Appends a box around what `body` appends. The size is of 32 bits, ISO/IEC 14496-12 §4.2.
    @inline(__always)
    mutating func writeBox(_ type: BoxType, _ body: (inout [UInt8]) -> Void) {
        let start = count
        append(bigEndian: UInt32(0))
        append(bigEndian: type.code)
        body(&self)
        precondition(count - start <= Int(UInt32.max), "a box \(type) of \(count - start) bytes")
        put(bigEndian: UInt32(count - start), at: start)
    }

    /// Appends a box with version and flags.
    @inline(__always)
    mutating func writeFullBox(
        _ type: BoxType, version: UInt8 = 0, flags: UInt32 = 0, _ body: (inout [UInt8]) -> Void
    ) {
        writeBox(type) { bytes in
            bytes.append(bigEndian: UInt32(version) << 24 | flags)
            body(&bytes)
        }
    }

    /// Appends an MPEG-4 descriptor around what `body` appends, its length in four bytes, ISO/IEC 14496-1 §8.3.3.
    mutating func writeDescriptor(_ tag: UInt8, _ body: (inout [UInt8]) -> Void) {
        append(tag)
        let start = count
        append(contentsOf: [0x80, 0x80, 0x80, 0])
        body(&self)
        let length = count - start - 4
        for index in 0..<4 {
            self[start + index] |= UInt8(truncatingIfNeeded: length >> (21 - index * 7)) & 127
        }
    }

    /// Appends zeros, where the standard reserves room.
    mutating func writeZeros(_ count: Int) { append(contentsOf: repeatElement(0, count: count)) }
}
