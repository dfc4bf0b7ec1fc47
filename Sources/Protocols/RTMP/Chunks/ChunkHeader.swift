// SPDX-License-Identifier: Apache-2.0

/// One chunk's header with all that earlier ones supply, RTMP 1.0 §5.3.1.
struct ChunkHeader {
    let format: UInt8
    let chunkStream: UInt32
    /// Where the decoder keeps the chunk stream; nil for a new one.
    var index: Int?
    /// Bytes on the wire, extended timestamp included.
    private(set) var size: Int
    private(set) var wireTime: UInt32 = 0
    private(set) var isExtended = false
    private(set) var length = 0
    private(set) var type = MessageType(rawValue: 0)
    private(set) var message: UInt32 = 0
    /// What this header taught of the peer's habit with extended timestamps.
    private(set) var habit: ChunkStream.Habit?

    /// Reads the basic header in any of its three lengths; nil where bytes are missing.
    init?(basic bytes: UnsafeRawBufferPointer) {
        guard let first = bytes.first else { return nil }
        format = first >> 6
        switch first & 63 {
        case 0:
            guard bytes.count >= 2 else { return nil }
            chunkStream = 64 + UInt32(bytes[1])
            size = 2
        case 1:
            guard bytes.count >= 3 else { return nil }
            chunkStream = 64 + UInt32(bytes[1]) + UInt32(bytes[2]) << 8
            size = 3
        default:
            chunkStream = UInt32(first & 63)
            size = 1
        }
    }

    var failure: RTMPFailure { .chunkFormat(format, chunkStream: chunkStream) }

    /// Reads the rest of the header, its gaps filled from the chunk stream's last; false where bytes are missing.
    mutating func readFields(_ bytes: UnsafeRawBufferPointer, after stream: borrowing ChunkStream) -> Bool {
        let start = size
        size += Self.fieldSizes[Int(format)]
        guard bytes.count >= size else { return false }
        wireTime = format < 3 ? bytes.bigEndian24(start) : stream.wireTime
        length = format < 2 ? Int(bytes.bigEndian24(start + 3)) : stream.length
        type = format < 2 ? MessageType(rawValue: bytes[start + 6]) : stream.type
        message = format == 0 ? bytes.bigEndian32(start + 7).byteSwapped : stream.message
        guard format < 3 else {
            isExtended = stream.isExtended
            return !isExtended || readRepeatedTime(bytes, after: stream)
        }
        isExtended = wireTime == 0xFFFFFF
        guard isExtended else { return true }
        size += 4
        guard bytes.count >= size else { return false }
        wireTime = bytes.bigEndian32(size - 4)
        return true
    }

    /// Decides whether an extended timestamp stands after a header of type 3, and skips it.
    ///
    /// A message that begins this way teaches nothing: one encoder omits the value there and repeats it later.
    private mutating func readRepeatedTime(_ bytes: UnsafeRawBufferPointer, after stream: borrowing ChunkStream) -> Bool
    {
        let known = stream.habit
        if known == .omits { return true }
        let count = min(4, bytes.count - size)
        if known == .repeats || count == 4 {
            guard count == 4 else { return false }
            let isRepeated = known == .repeats || stream.repeats(bytes.bigEndian32(size))
            if stream.isOpen, known == .unknown { habit = isRepeated ? .repeats : .omits }
            if isRepeated { size += 4 }
            return true
        }
        var prefix: UInt32 = 0
        for offset in 0..<count { prefix = prefix << 8 | UInt32(bytes[size + offset]) }
        guard count > 0, !stream.couldRepeat(prefix, count: count) else { return false }
        if stream.isOpen { habit = .omits }
        return true
    }

    private static let fieldSizes = [11, 7, 3, 0]
}

extension UnsafeRawBufferPointer {
    fileprivate func bigEndian32(_ offset: Int) -> UInt32 {
        UInt32(bigEndian: loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }

    fileprivate func bigEndian24(_ offset: Int) -> UInt32 {
        UInt32(self[offset]) << 16 | UInt32(self[offset + 1]) << 8 | UInt32(self[offset + 2])
    }
}
