// SPDX-License-Identifier: Apache-2.0

package import Bytes

/// How records, and the messages that carry them, write their fields; ``FieldReader`` reads them.
extension [UInt8] {
    package mutating func append(_ duration: Duration) {
        append(signed: duration.components.seconds)
        append(signed: duration.components.attoseconds)
    }

    package mutating func append(_ flag: Bool) { append(flag ? 1 : 0) }

    package mutating func append(text: String) { append(block: Array(text.utf8)[...]) }

    package mutating func append(block: ByteSlice) {
        append(number: UInt64(block.count))
        append(contentsOf: block)
    }

    package mutating func append<Value>(optional value: Value?, _ write: (inout [UInt8], Value) -> Void) {
        append(value != nil)
        if let value { write(&self, value) }
    }

    package mutating func append(signed value: Int64) {
        append(number: UInt64(bitPattern: value << 1 ^ value >> 63))
    }

    /// LEB128 in its shortest form.
    package mutating func append(number value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}
