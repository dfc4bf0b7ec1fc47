// SPDX-License-Identifier: Apache-2.0

/// Bytes shared without a copy: a slice keeps its whole storage alive.
public typealias ByteSlice = ArraySlice<UInt8>

/// Thrown when a reader is asked for more than is left: a truncated or lying input.
public struct Truncated: Error, Equatable, Sendable {
    /// Creates the failure.
    public init() {}
}

/// A cursor over bytes that can not read past their end. All integers are big-endian unless the name says otherwise.
public struct ByteReader: Sendable {
    /// The bytes not yet read.
    public private(set) var rest: ByteSlice

    /// Starts at the first byte of `bytes`.
    public init(_ bytes: ByteSlice) { rest = bytes }

    /// Starts at the first byte of `bytes`.
    public init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// How many bytes are left.
    public var count: Int { rest.count }

    /// Whether nothing is left.
    public var isEmpty: Bool { rest.isEmpty }

    /// Reads one byte.
    public mutating func uint8() throws(Truncated) -> UInt8 {
        guard let byte = rest.popFirst() else { throw Truncated() }
        return byte
    }

    /// Reads two bytes.
    public mutating func uint16() throws(Truncated) -> UInt16 { UInt16(truncatingIfNeeded: try integer(2)) }

    /// Reads three bytes.
    public mutating func uint24() throws(Truncated) -> UInt32 { UInt32(truncatingIfNeeded: try integer(3)) }

    /// Reads three bytes as a signed number in two's complement.
    public mutating func int24() throws(Truncated) -> Int32 {
        Int32(bitPattern: UInt32(truncatingIfNeeded: try integer(3)) << 8) >> 8
    }

    /// Reads four bytes.
    public mutating func uint32() throws(Truncated) -> UInt32 { UInt32(truncatingIfNeeded: try integer(4)) }

    /// Reads four bytes, least significant first.
    public mutating func littleEndianUInt32() throws(Truncated) -> UInt32 { try uint32().byteSwapped }

    /// Reads two bytes, least significant first.
    public mutating func littleEndianUInt16() throws(Truncated) -> UInt16 { try uint16().byteSwapped }

    /// Reads eight bytes.
    public mutating func uint64() throws(Truncated) -> UInt64 { try integer(8) }

    /// Reads an IEEE 754 double.
    public mutating func double() throws(Truncated) -> Double { Double(bitPattern: try uint64()) }

    /// Reads `length` bytes. A negative length throws.
    public mutating func bytes(_ length: Int) throws(Truncated) -> ByteSlice {
        guard length >= 0, length <= rest.count else { throw Truncated() }
        defer { rest = rest.dropFirst(length) }
        return rest.prefix(length)
    }

    /// Reads a big-endian unsigned integer of `length` bytes, 1 to 8.
    public mutating func integer(_ length: Int) throws(Truncated) -> UInt64 {
        guard length <= rest.count else { throw Truncated() }
        var value: UInt64 = 0
        for byte in rest.prefix(length) { value = value << 8 | UInt64(byte) }
        rest = rest.dropFirst(length)
        return value
    }
}
