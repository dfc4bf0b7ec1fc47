// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Numbers of VP8's pictures (RFC 7741 §4.2, PictureID and TL0PICIDX), or what is added to them. Plain bytes.
struct VP8Shift: Hashable, Sendable {
    var picture: UInt16 = 0
    var base: UInt8 = 0

    /// No shift, or numbers of 0.
    init() {}

    /// What is to be added to the numbers of the payload at `start` so that they come directly after `newest`.
    init(from bytes: [UInt8], at start: Int, after newest: VP8Shift?) {
        guard let newest, let places = Places(bytes, at: start) else { return }
        if let place = places.picture {
            picture = (newest.picture &+ 1 &- Self.picture(bytes, place, isLong: places.isLong)) & 0x7FFF
        }
        if let place = places.base { base = newest.base &+ 1 &- bytes[place] }
    }

    /// Adds this to the numbers of the payload at `start`, and gives what they are then.
    func apply(to bytes: inout [UInt8], at start: Int) -> VP8Shift {
        var numbers = VP8Shift()
        guard let places = Places(bytes, at: start) else { return numbers }
        if let place = places.picture {
            let number =
                (Self.picture(bytes, place, isLong: places.isLong) &+ picture) & (places.isLong ? 0x7FFF : 0x7F)
            numbers.picture = number
            if places.isLong {
                bytes[place] = UInt8(number >> 8) | 0x80
                bytes[place + 1] = UInt8(truncatingIfNeeded: number)
            } else {
                bytes[place] = UInt8(number)
            }
        }
        if let place = places.base {
            bytes[place] &+= base
            numbers.base = bytes[place]
        }
        return numbers
    }

    private static func picture(_ bytes: [UInt8], _ place: Int, isLong: Bool) -> UInt16 {
        isLong ? UInt16(bytes[place] & 0x7F) << 8 | UInt16(bytes[place + 1]) : UInt16(bytes[place])
    }

    /// Where in a descriptor the numbers stand.
    private struct Places {
        var picture: Int?
        var isLong = false
        var base: Int?

        /// nil where the payload is too short for what it announces.
        init?(_ bytes: [UInt8], at start: Int) {
            guard bytes.count > start + 1, bytes[start] & 0x80 != 0 else { return nil }
            let present = bytes[start + 1]
            var place = start + 2
            if present & 0x80 != 0 {
                guard place < bytes.count else { return nil }
                isLong = bytes[place] & 0x80 != 0
                picture = place
                place += isLong ? 2 : 1
            }
            if present & 0x40 != 0 {
                base = place
                place += 1
            }
            guard place <= bytes.count else { return nil }
        }
    }
}
