// SPDX-License-Identifier: Apache-2.0

/// A cursor over bits, most significant first, as the parameter sets of video codecs are written.
public struct BitReader: Sendable {
    private let bytes: ByteSlice
    private var position = 0

    /// Starts at the first bit of `bytes`.
    public init(_ bytes: ByteSlice) { self.bytes = bytes }

    /// How many bits are left.
    public var count: Int { bytes.count * 8 - position }

    /// Reads one bit.
    public mutating func flag() throws(Truncated) -> Bool { try bits(1) == 1 }

    /// Reads `width` bits, 0 to 32.
    public mutating func bits(_ width: Int) throws(Truncated) -> UInt32 {
        guard width >= 0, width <= 32, width <= count else { throw Truncated() }
        var value: UInt64 = 0
        for _ in 0..<width {
            let byte = bytes[bytes.startIndex + position >> 3]
            value = value << 1 | UInt64(byte >> (7 - UInt8(position & 7)) & 1)
            position += 1
        }
        return UInt32(truncatingIfNeeded: value)
    }

    /// Skips `width` bits.
    public mutating func skip(_ width: Int) throws(Truncated) {
        guard width >= 0, width <= count else { throw Truncated() }
        position += width
    }

    /// Reads an unsigned Exp-Golomb code, ITU-T H.264 §9.1. Codes of over 32 leading zeros count as truncated.
    public mutating func unsignedExpGolomb() throws(Truncated) -> UInt32 {
        var zeros = 0
        while try !flag() {
            zeros += 1
            guard zeros < 32 else { throw Truncated() }
        }
        return try bits(zeros) &+ (1 << UInt32(zeros)) &- 1
    }

    /// Reads a signed Exp-Golomb code, ITU-T H.264 §9.1.1.
    public mutating func signedExpGolomb() throws(Truncated) -> Int32 {
        let code = try unsignedExpGolomb()
        let magnitude = Int32(truncatingIfNeeded: (UInt64(code) + 1) / 2)
        return code.isMultiple(of: 2) ? -magnitude : magnitude
    }
}
