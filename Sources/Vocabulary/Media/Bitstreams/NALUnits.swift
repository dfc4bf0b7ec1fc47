// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// The NAL units of an access unit, one after the other, without a copy.
///
/// Empty units are skipped. A length that reaches past the end stops the walk and is told by `isMalformed`.
public struct NALUnits: Sequence, IteratorProtocol, Sendable {
    private var rest: ByteSlice
    private let lengthSize: Int
    /// Whether the walk ended at a length that can not be true.
    public private(set) var isMalformed = false

    /// Units behind lengths of `lengthSize` bytes, 1, 2 or 4, ISO/IEC 14496-15 §4.3.3.
    public init(_ bytes: ByteSlice, lengthSize: Int) {
        precondition(lengthSize == 1 || lengthSize == 2 || lengthSize == 4, "a NAL length of \(lengthSize) bytes")
        rest = bytes
        self.lengthSize = lengthSize
    }

    /// Units behind start codes, ITU-T H.264 annex B. Bytes before the first start code are dropped.
    public init(annexB bytes: ByteSlice) {
        lengthSize = 0
        rest = bytes[(Self.startCode(in: bytes)?.upperBound ?? bytes.endIndex)...]
    }

    /// The next unit with its header, or nil at the end.
    public mutating func next() -> ByteSlice? { lengthSize == 0 ? nextBehindStartCode() : nextBehindLength() }

    private mutating func nextBehindLength() -> ByteSlice? {
        while !rest.isEmpty {
            guard rest.count >= lengthSize else { return stop() }
            var length = 0
            for byte in rest.prefix(lengthSize) { length = length << 8 | Int(byte) }
            rest = rest.dropFirst(lengthSize)
            guard length <= rest.count else { return stop() }
            let unit = rest.prefix(length)
            rest = rest.dropFirst(length)
            if length > 0 { return unit }
        }
        return nil
    }

    private mutating func stop() -> ByteSlice? {
        isMalformed = true
        rest = []
        return nil
    }

    private mutating func nextBehindStartCode() -> ByteSlice? {
        while !rest.isEmpty {
            let code = Self.startCode(in: rest)
            var unit = rest[..<(code?.lowerBound ?? rest.endIndex)]
            rest = rest[(code?.upperBound ?? rest.endIndex)...]
            while unit.last == 0 { unit.removeLast() }  // trailing_zero_8bits, and the fourth byte of a start code
            if !unit.isEmpty { return unit }
        }
        return nil
    }

    /// Where the first `00 00 01` is.
    private static func startCode(in bytes: ByteSlice) -> Range<Int>? {
        var index = bytes.startIndex + 2
        while index < bytes.endIndex {
            let byte = bytes[index]
            if byte > 1 {
                index += 3
            } else if byte == 1, bytes[index - 1] == 0, bytes[index - 2] == 0 {
                return index - 2..<index + 1
            } else {
                index += 1
            }
        }
        return nil
    }
}

extension [UInt8] {
    /// Appends a NAL unit behind its length in four bytes, as samples of a fragment hold it.
    public mutating func append(nalUnit unit: ByteSlice) {
        append(bigEndian: UInt32(truncatingIfNeeded: unit.count))
        append(contentsOf: unit)
    }
}
