// SPDX-License-Identifier: Apache-2.0

/// What forwarding needs of a datagram, read in place: whether it is RTP or RTCP, and whose.
public struct RTPDatagramHead: Hashable, Sendable {
    /// Whether this is RTCP: a packet type of 192 to 223 (RFC 5761 §4).
    public let isReport: Bool
    /// The marker bit of RTP: of video, the last packet of a picture.
    public let isMarked: Bool
    /// The synchronization source; of RTCP, who speaks.
    public let source: UInt32

    /// Nil for what is neither: another version, or too short for its own head.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 8, bytes[0] >> 6 == 2 else { return nil }
        isReport = (192...223).contains(bytes[1])
        isMarked = !isReport && bytes[1] & 0x80 != 0
        if isReport {
            source = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        } else {
            guard bytes.count >= RTPHeader.length + Int(bytes[0] & 15) * 4 else { return nil }
            source = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        }
    }
}
