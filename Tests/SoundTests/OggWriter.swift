// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import TestKit

/// Writes Ogg as RFC 3533 §6 says it, for what reads it.
struct OggWriter {
    private(set) var bytes: [UInt8] = []
    private var number: UInt32 = 0

    /// Appends a page with these segments.
    mutating func append(segments: [ByteSlice], granule: Int64, continues: Bool = false) {
        bytes += Array("OggS".utf8) + [0, continues ? 1 : 0]
        bytes.append(littleEndian: granule)
        bytes.append(littleEndian: UInt32(7))
        bytes.append(littleEndian: number)
        bytes.append(littleEndian: UInt32(0))
        bytes.append(UInt8(segments.count))
        bytes += segments.map { UInt8($0.count) }
        for segment in segments { bytes += segment }
        number += 1
    }

    /// Appends a page with these packets, whole.
    mutating func append(_ packets: [[UInt8]], granule: Int64) {
        append(segments: packets.flatMap(Self.segments), granule: granule)
    }

    /// Appends the two pages that a file of Opus begins with.
    mutating func appendHeads(preSkip: UInt16) {
        var head = Array("OpusHead".utf8) + [1, 2]
        head.append(littleEndian: preSkip)
        head.append(littleEndian: UInt32(48_000))
        append([head + [0, 0, 0]], granule: 0)
        append([Array("OpusTags".utf8) + [0, 0, 0, 0, 0, 0, 0, 0]], granule: 0)
    }

    /// A packet's segments: all but the last have 255 bytes.
    static func segments(_ packet: [UInt8]) -> [ByteSlice] {
        var segments: [ByteSlice] = []
        var rest = packet[...]
        while rest.count >= 255 {
            segments.append(rest.prefix(255))
            rest = rest.dropFirst(255)
        }
        return segments + [rest]
    }

    /// Packets of Opus that hold 20 ms each, of any bytes.
    static func opus(_ count: Int, _ random: inout SeededRandom) -> [[UInt8]] {
        (0..<count).map { _ in
            [0x78 | 0x80]
                + (0..<Int.random(in: 0...700, using: &random)).map { _ in .random(in: 0...255, using: &random) }
        }
    }
}
