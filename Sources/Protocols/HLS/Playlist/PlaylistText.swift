// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// The text of a playlist while it is written: bytes of UTF-8, numbers formatted in place.
struct PlaylistText {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(_ text: [UInt8]) { bytes.append(contentsOf: text) }

    mutating func append(byte: UInt8) { bytes.append(byte) }

    mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// A decimal integer (RFC 8216bis §4.2).
    mutating func append(_ number: UInt64) {
        guard number >= 10 else { return bytes.append(Self.zero + UInt8(truncatingIfNeeded: number)) }
        var rest = number
        let start = bytes.count
        while rest > 0 {
            bytes.append(Self.zero + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        }
        bytes[start...].reverse()
    }

    /// A decimal integer that is not negative.
    mutating func append(_ number: Int) { append(UInt64(number.magnitude)) }

    /// Seconds with six decimals (decimal-floating-point, RFC 8216bis §4.2).
    mutating func append(microseconds: Int64) {
        append(microseconds.magnitude / 1_000_000)
        append(fraction: microseconds.magnitude % 1_000_000, digits: 6)
    }

    /// Seconds with three decimals.
    mutating func append(milliseconds: Int64) {
        append(milliseconds.magnitude / 1000)
        append(fraction: milliseconds.magnitude % 1000, digits: 3)
    }

    private mutating func append(fraction: UInt64, digits: Int) {
        bytes.append(UInt8(ascii: "."))
        let start = bytes.count
        var rest = fraction
        for _ in 0..<digits {
            bytes.append(Self.zero + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        }
        bytes[start...].reverse()
    }

    private static let zero = UInt8(ascii: "0")
}
