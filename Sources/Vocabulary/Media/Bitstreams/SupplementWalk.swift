// SPDX-License-Identifier: Apache-2.0

import Bytes

/// The payload types of an H.264 SEI unit, one after the other: ITU-T H.264 §7.3.2.3.
///
/// Types and sizes are sums of bytes of 255 and a last one. Sizes count bytes before emulation prevention (§7.4.1), so
/// payloads are walked and not jumped over.
struct SupplementWalk: Sequence, IteratorProtocol {
    private var rest: ByteSlice
    private var zeros = 0

    /// A walk over a unit with its header byte.
    init(_ unit: ByteSlice) { rest = unit.dropFirst() }

    /// The next payload's type; nil at the trailing bits, or where the unit is cut short.
    mutating func next() -> Int? {
        guard rest.count > 1, let type = number(), let size = number() else { return nil }
        for _ in 0..<Swift.min(size, rest.count) { _ = byte() }
        return type
    }

    private mutating func number() -> Int? {
        var sum = 0
        while let byte = byte() {
            sum += Int(byte)
            if byte != 255 { return sum }
        }
        return nil
    }

    private mutating func byte() -> UInt8? {
        if zeros >= 2, rest.first == 3 {
            rest = rest.dropFirst()
            zeros = 0
        }
        guard let byte = rest.popFirst() else { return nil }
        zeros = byte == 0 ? zeros + 1 : 0
        return byte
    }
}
