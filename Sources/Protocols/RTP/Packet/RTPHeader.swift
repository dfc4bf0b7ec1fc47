// SPDX-License-Identifier: Apache-2.0

import Bytes

/// The fixed fields of an RTP packet, RFC 3550 §5.1. We send no contributing sources and pass over a peer's.
public struct RTPHeader: Hashable, Sendable {
    /// With pictures: the last packet of one. With audio: the first after silence.
    public var marker: Bool
    /// What the payload is, as negotiated, 0 to 127.
    public var payloadType: UInt8
    /// Grows by one a packet, and wraps.
    public var sequenceNumber: UInt16
    /// The instant of the payload's first sample on the payload's clock; wraps.
    public var timestamp: UInt32
    /// The synchronisation source, SSRC.
    public var source: UInt32

    /// A header of its parts.
    public init(marker: Bool = false, payloadType: UInt8, sequenceNumber: UInt16, timestamp: UInt32, source: UInt32) {
        self.marker = marker
        self.payloadType = payloadType
        self.sequenceNumber = sequenceNumber
        self.timestamp = timestamp
        self.source = source
    }

    /// Appends the twelve bytes.
    /// - Parameter hasExtensions: whether an extension block follows, which the first byte tells.
    public func append(to bytes: inout [UInt8], hasExtensions: Bool = false) {
        bytes.append(hasExtensions ? 0x90 : 0x80)
        bytes.append(payloadType & 0x7F | (marker ? 0x80 : 0))
        bytes.append(bigEndian: sequenceNumber)
        bytes.append(bigEndian: timestamp)
        bytes.append(bigEndian: source)
    }

    /// How many bytes it takes.
    public static let length = 12
}
