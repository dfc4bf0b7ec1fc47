// SPDX-License-Identifier: Apache-2.0

/// What a datagram on the shared port is, by its first bytes (RFC 7983 §7; RTCP by RFC 5761 §4).
///
/// Looks at the shape only: whether the sender may send it is for the protocol to prove. Costs no allocation.
public enum DatagramKind: Hashable, Sendable, CaseIterable {
    /// A record of DTLS.
    case dtls
    /// A packet of RTCP, or of SRTCP.
    case rtcp
    /// A packet of RTP, or of SRTP.
    case rtp
    /// A message of STUN: header, cookie and length fit.
    case stun
    /// Anything else, also TURN's channels, ZRTP and what is too short to be what it says: to be dropped.
    case unknown

    /// Looks at the first bytes of a datagram.
    public init(of datagram: Span<UInt8>) {
        guard datagram.count >= Self.shortestRTCP else {
            self = .unknown
            return
        }
        switch datagram[0] {
        case 0...3: self = STUNMessage.hasShape(of: datagram) ? .stun : .unknown
        case 20...63: self = datagram.count >= Self.shortestDTLS ? .dtls : .unknown
        case 128...191:
            if (192...223).contains(datagram[1]) {
                self = .rtcp
            } else {
                self = datagram.count >= Self.shortestRTP ? .rtp : .unknown
            }
        default: self = .unknown
        }
    }

    /// The header of a report.
    private static let shortestRTCP = 8
    /// The header of a packet without contributing sources.
    private static let shortestRTP = 12
    /// The header of a record.
    private static let shortestDTLS = 13
}
