// SPDX-License-Identifier: Apache-2.0

/// Asks an address whether it wants packets: an application-defined RTCP packet (RFC 3550 §6.7) of the name MRSB, which
/// any receiver of RTP passes over. Whoever wants them sends the same bytes back.
public struct SubscriberProbe: Hashable, Sendable {
    /// The first eight bytes of what the answer repeats, big-endian.
    public let high: UInt64
    /// The last eight bytes of it, big-endian.
    public let low: UInt64

    /// A probe of these bits.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Nil for any other datagram.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.length else { return nil }
        guard UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) == Self.head else { return nil }
        guard UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)) == Self.name else {
            return nil
        }
        high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 20, as: UInt64.self))
    }

    /// Writes ``length`` bytes.
    public func write(to bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBytes(of: Self.head.bigEndian, as: UInt64.self)
        bytes.storeBytes(of: Self.name.bigEndian, toByteOffset: 8, as: UInt32.self)
        bytes.storeBytes(of: high.bigEndian, toByteOffset: 12, as: UInt64.self)
        bytes.storeBytes(of: low.bigEndian, toByteOffset: 20, as: UInt64.self)
    }

    /// The bytes of a probe.
    public static let length = 28
    /// Version 2, type APP, 7 words, and an SSRC of zero, which nobody is.
    private static let head: UInt64 = 0x80CC_0006_0000_0000
    /// MRSB.
    private static let name: UInt32 = 0x4D52_5342
}
