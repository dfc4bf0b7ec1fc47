// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// Packets in frames of a byte stream, two bytes of length before each: RFC 4571 §2, as ICE over TCP uses it for STUN,
/// DTLS and media alike (RFC 6544 §3).
public struct FramedPacketDecoder: Sendable {
    /// A frame longer than any packet may be; carries the length claimed.
    public struct TooLong: Error, Hashable, Sendable {
        /// The length claimed, in bytes.
        public let length: Int

        /// A claim of `length` bytes.
        public init(length: Int) { self.length = length }
    }

    private let maximumLength: Int
    private var buffer: [UInt8] = []
    private var start = 0

    /// - Parameter maximumLength: of a packet, in bytes.
    public init(maximumLength: Int = 1500) { self.maximumLength = maximumLength }

    /// Takes bytes as they come. What is kept is bounded by them and one packet, if `next` is called until it has none.
    public mutating func append(_ bytes: ByteSlice) {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: true)
        } else {
            buffer.removeFirst(start)
        }
        start = 0
        buffer += bytes
    }

    /// The next whole packet; nil until more bytes come. Empty frames, which some send to keep a connection, are skipped.
    /// - Throws: ``TooLong``, after which the stream makes no sense any more.
    public mutating func next() throws(TooLong) -> ByteSlice? {
        while buffer.count - start >= 2 {
            let length = Int(buffer[start]) << 8 | Int(buffer[start + 1])
            guard length <= maximumLength else { throw TooLong(length: length) }
            guard buffer.count - start - 2 >= length else { return nil }
            let packet = buffer[start + 2..<start + 2 + length]
            start += 2 + length
            if length > 0 { return packet }
        }
        return nil
    }
}

/// Puts packets into frames, RFC 4571 §2.
public enum FramedPacketEncoder {
    /// Appends `packet`, of at most 65 535 bytes, in its frame.
    public static func append(_ packet: some Collection<UInt8>, to bytes: inout [UInt8]) {
        precondition(packet.count <= 0xFFFF, "a packet of \(packet.count) bytes")
        bytes.append(bigEndian: UInt16(truncatingIfNeeded: packet.count))
        bytes += packet
    }
}
