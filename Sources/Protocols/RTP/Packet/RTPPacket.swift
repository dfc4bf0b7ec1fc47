// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// An RTP packet that shares the bytes of its datagram.
public struct RTPPacket: Hashable, Sendable {
    /// The fixed fields.
    public var header: RTPHeader
    /// The header extensions, not yet read.
    public var extensions: HeaderExtensions
    /// What is carried, without padding; empty in packets that only probe.
    public var payload: ByteSlice

    /// A packet of its parts.
    public init(header: RTPHeader, extensions: HeaderExtensions = .none, payload: ByteSlice) {
        self.header = header
        self.extensions = extensions
        self.payload = payload
    }

    /// Reads a datagram that was decrypted already. Contributing sources are passed over.
    /// - Throws: `.truncated`, `.version`, `.padding`.
    public init(parsing bytes: ByteSlice) throws(RTPFailure) {
        guard bytes.count >= RTPHeader.length else { throw .truncated }
        let start = bytes.startIndex
        let (first, second) = (bytes[start], bytes[start + 1])
        guard first >> 6 == 2 else { throw .version(first >> 6) }
        header = RTPHeader(
            marker: second & 0x80 != 0, payloadType: second & 0x7F,
            sequenceNumber: UInt16(bytes[start + 2]) << 8 | UInt16(bytes[start + 3]),
            timestamp: Self.word(bytes, start + 4), source: Self.word(bytes, start + 8))
        var offset = start + RTPHeader.length + Int(first & 15) * 4
        extensions = .none
        if first & 0x10 != 0 {
            guard offset + 4 <= bytes.endIndex else { throw .truncated }
            let head = Self.word(bytes, offset)
            let end = offset + 4 + Int(head & 0xFFFF) * 4
            guard end <= bytes.endIndex else { throw .truncated }
            if end > offset + 4 {
                extensions = HeaderExtensions(
                    profile: UInt16(truncatingIfNeeded: head >> 16), bytes: bytes[(offset + 4)..<end])
            }
            offset = end
        }
        guard offset <= bytes.endIndex else { throw .truncated }
        payload = bytes[offset...]
        if first & 0x20 != 0 { try stripPadding() }
    }

    /// RFC 3550 §5.1: the last byte tells how many to ignore, itself among them.
    private mutating func stripPadding() throws(RTPFailure) {
        guard let length = payload.last else { throw .truncated }
        guard length > 0, Int(length) <= payload.count else { throw .padding(length) }
        payload = payload.dropLast(Int(length))
    }

    /// Appends the packet as it goes on the wire, without padding.
    public func append(to bytes: inout [UInt8]) {
        header.append(to: &bytes, hasExtensions: !extensions.isEmpty)
        if !extensions.isEmpty {
            bytes.append(bigEndian: extensions.profile)
            bytes.append(bigEndian: UInt16(truncatingIfNeeded: extensions.bytes.count / 4))
            bytes.append(contentsOf: extensions.bytes)
        }
        bytes.append(contentsOf: payload)
    }

    private static func word(_ bytes: ByteSlice, _ index: Int) -> UInt32 {
        UInt32(bytes[index]) << 24 | UInt32(bytes[index + 1]) << 16 | UInt32(bytes[index + 2]) << 8
            | UInt32(bytes[index + 3])
    }
}
