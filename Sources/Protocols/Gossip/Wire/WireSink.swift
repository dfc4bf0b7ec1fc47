// SPDX-License-Identifier: Apache-2.0

/// What the fields of a message are written to: bytes, or a counter of them. Each message says its fields once, so its
/// exact size is known without encoding it.
///
/// Integers are big-endian and of fixed width; lengths and counts of short lists are LEB128 in the shortest form; texts
/// stand behind their length; what may be absent stands behind a 0 or 1.
protocol WireSink {
    mutating func write(_ byte: UInt8)
    mutating func write(bytes: some Collection<UInt8>)
    mutating func write(integer value: some FixedWidthInteger)
}

/// What can be written field by field.
protocol WireWritable {
    func write(to sink: inout some WireSink)
}

/// Counts what would be written.
struct ByteCounter: WireSink {
    private(set) var count = 0

    mutating func write(_ byte: UInt8) { count += 1 }
    mutating func write(bytes: some Collection<UInt8>) { count += bytes.count }
    mutating func write(integer value: some FixedWidthInteger) { count += value.bitWidth / 8 }
}

extension [UInt8]: WireSink {
    mutating func write(_ byte: UInt8) { append(byte) }
    mutating func write(bytes: some Collection<UInt8>) { append(contentsOf: bytes) }

    mutating func write(integer value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
            write(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}

extension WireWritable {
    /// How many bytes it takes.
    var size: Int {
        var counter = ByteCounter()
        write(to: &counter)
        return counter.count
    }
}

extension WireSink {
    mutating func write(flag: Bool) { write(flag ? 1 : 0) }

    mutating func write(length: Int) {
        var rest = UInt(bitPattern: length)
        while rest >= 0x80 {
            write(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        write(UInt8(truncatingIfNeeded: rest))
    }

    mutating func write(text: String, limit: Int) {
        precondition(text.utf8.count <= limit, "a text of \(text.utf8.count) bytes, over \(limit): \(text)")
        write(length: text.utf8.count)
        write(bytes: text.utf8)
    }

    mutating func write(sized value: some WireWritable, limit: Int) {
        let size = value.size
        precondition(size <= limit, "\(size) bytes, over \(limit): \(value)")
        write(length: size)
        value.write(to: &self)
    }

    mutating func write<Value>(optional value: Value?, _ body: (inout Self, Value) -> Void) {
        write(flag: value != nil)
        if let value { body(&self, value) }
    }
}
