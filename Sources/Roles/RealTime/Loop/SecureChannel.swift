// SPDX-License-Identifier: Apache-2.0

import SecureMedia

/// SRTP of one session, both ways.
final class SecureChannel {
    private var outbound: OutboundSRTP
    private var inbound: InboundSRTP
    /// How much longer a packet of RTP becomes.
    let overhead: Int
    /// How much longer a packet of RTCP becomes.
    let controlOverhead: Int

    init(_ keys: SRTPKeys) {
        outbound = OutboundSRTP(keys)
        inbound = InboundSRTP(keys)
        overhead = keys.profile.rtpOverhead
        controlOverhead = keys.profile.rtcpOverhead
    }

    /// Puts a packet into `buffer`, protected. Returns its length; 0 where it can not be sent under these keys.
    func protect(_ packet: [UInt8], into buffer: UnsafeMutableRawBufferPointer) -> Int {
        buffer.copyBytes(from: packet)
        return (try? outbound.protect(buffer, count: packet.count)) ?? 0
    }

    /// Puts a packet of RTCP into `buffer`, protected. Returns its length; 0 where it can not be sent.
    func protectControl(_ packet: [UInt8], into buffer: UnsafeMutableRawBufferPointer) -> Int {
        buffer.copyBytes(from: packet)
        return (try? outbound.protectControl(buffer, count: packet.count)) ?? 0
    }

    /// Takes the protection off in place; returns the length of what is left.
    func open(_ packet: UnsafeMutableRawBufferPointer) throws(SRTPFailure) -> Int { try inbound.unprotect(packet) }

    /// The same for RTCP.
    func openControl(_ packet: UnsafeMutableRawBufferPointer) throws(SRTPFailure) -> Int {
        try inbound.unprotectControl(packet)
    }
}
