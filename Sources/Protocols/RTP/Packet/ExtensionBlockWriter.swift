// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Appends the extension block of one RTP header, RFC 8285. Begin it directly behind the fixed header, whose
/// `hasExtensions` must be true, and finish it before the payload.
public struct ExtensionBlockWriter: Sendable {
    private let start: Int
    private let isTwoByte: Bool

    /// Begins a block at the end of `bytes`.
    /// - Parameter isTwoByte: needed where a number is above 14 or a value is empty or longer than 16 bytes, and allowed
    ///   only where `a=extmap-allow-mixed` was negotiated.
    public init(in bytes: inout [UInt8], isTwoByte: Bool = false) {
        start = bytes.count
        self.isTwoByte = isTwoByte
        bytes.append(bigEndian: isTwoByte ? HeaderExtensions.twoByteProfile : HeaderExtensions.oneByteProfile)
        bytes.append(bigEndian: UInt16(0))
    }

    /// Appends the head of an element whose value, of `length` bytes, the caller appends.
    public func begin(_ id: UInt8, length: Int, in bytes: inout [UInt8]) {
        if isTwoByte {
            precondition(id > 0 && length < 256, "extension \(id) of \(length) bytes")
            bytes.append(id)
            bytes.append(UInt8(length))
        } else {
            precondition((1...14).contains(id) && (1...16).contains(length), "extension \(id) of \(length) bytes")
            bytes.append(id << 4 | UInt8(length - 1))
        }
    }

    /// Appends an element.
    public func append(_ id: UInt8, _ value: ByteSlice, to bytes: inout [UInt8]) {
        begin(id, length: value.count, in: &bytes)
        bytes.append(contentsOf: value)
    }

    /// Pads the block and writes its length.
    public func finish(in bytes: inout [UInt8]) {
        while !(bytes.count - start).isMultiple(of: 4) { bytes.append(0) }
        let words = (bytes.count - start) / 4 - 1
        bytes[start + 2] = UInt8(truncatingIfNeeded: words >> 8)
        bytes[start + 3] = UInt8(truncatingIfNeeded: words)
    }
}
