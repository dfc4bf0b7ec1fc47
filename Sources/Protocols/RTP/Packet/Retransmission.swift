// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Packets sent again in a stream of their own, RFC 4588 §4: the payload stands behind the number it first had.
extension RTPPacket {
    /// The packet as it was first sent; nil for one that carries nothing, as probes do.
    /// - Parameters:
    ///   - source: the SSRC that it was first sent with.
    ///   - payloadType: the payload type that `apt` names.
    public func original(source: UInt32, payloadType: UInt8) -> RTPPacket? {
        guard payload.count > 2 else { return nil }
        var packet = self
        packet.header.source = source
        packet.header.payloadType = payloadType
        packet.header.sequenceNumber =
            UInt16(payload[payload.startIndex]) << 8 | UInt16(payload[payload.startIndex + 1])
        packet.payload = payload.dropFirst(2)
        return packet
    }
}
