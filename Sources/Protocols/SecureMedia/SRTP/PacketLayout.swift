// SPDX-License-Identifier: Apache-2.0

/// What SRTP has to know of an RTP packet: of whom and which it is, and where its payload begins.
struct RTPLayout {
    let sequence: UInt16
    let ssrc: UInt32
    /// The fixed header, contributing sources and the header extension (RFC 3550 §5.1, §5.3.1), in bytes.
    let headerSize: Int

    /// Nil where the header goes beyond `packet`, or the version is not 2.
    @inline(__always)
    init?(_ packet: UnsafeRawBufferPointer) {
        guard packet.count >= Self.fixedSize, packet[0] >> 6 == 2 else { return nil }
        sequence = packet.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian
        ssrc = packet.loadUnaligned(fromByteOffset: 8, as: UInt32.self).bigEndian
        var size = Self.fixedSize + 4 * Int(packet[0] & 15)
        if packet[0] & 0x10 != 0 {
            guard size + 4 <= packet.count else { return nil }
            size += 4 + 4 * Int(packet.loadUnaligned(fromByteOffset: size + 2, as: UInt16.self).bigEndian)
        }
        guard size <= packet.count else { return nil }
        headerSize = size
    }

    private static let fixedSize = 12
}

/// What SRTP has to know of an RTCP packet: the sender of its first part (RFC 3711 §3.4).
struct RTCPLayout {
    let ssrc: UInt32

    /// Nil where `packet` is shorter than the header, or the version is not 2.
    @inline(__always)
    init?(_ packet: UnsafeRawBufferPointer) {
        guard packet.count >= Self.headerSize, packet[0] >> 6 == 2 else { return nil }
        ssrc = packet.loadUnaligned(fromByteOffset: 4, as: UInt32.self).bigEndian
    }

    /// What of an RTCP packet stays in clear, in bytes.
    static let headerSize = 8
}
