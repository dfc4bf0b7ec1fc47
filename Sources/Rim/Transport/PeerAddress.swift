// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// The address of the other end of a connection, without its port: 128 bits, IPv4 mapped as in RFC 4291 §2.5.5.2.
///
/// Sixteen bytes by value, so that a connection may carry it without reference counting.
public struct PeerAddress: Hashable, Sendable {
    /// The first eight bytes, big-endian.
    public let high: UInt64
    /// The last eight bytes, big-endian.
    public let low: UInt64

    /// The address of these 128 bits.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The IPv4 address `a.b.c.d` of these 32 bits, big-endian.
    public init(ipv4 bits: UInt32) { self.init(high: 0, low: Self.mappedPrefix | UInt64(bits)) }

    /// The address of a socket; nil for a Unix socket, which has none.
    public init?(_ address: SocketAddress?) {
        switch address {
        case .v4(let address):
            self.init(ipv4: UInt32(truncatingIfNeeded: Self.bigEndian(.v4(address), from: 4, count: 4)))
        case .v6(let address):
            self.init(
                high: Self.bigEndian(.v6(address), from: 8, count: 8),
                low: Self.bigEndian(.v6(address), from: 16, count: 8)
            )
        default:
            return nil
        }
    }

    /// Whether this is 127.0.0.0/8 or ::1, also when mapped.
    public var isLoopback: Bool {
        isIPv4 ? low >> 24 & 0xFF == 127 : high == 0 && low == 1
    }

    /// Whether this is an IPv4 address.
    public var isIPv4: Bool { high == 0 && low >> 32 == Self.mappedPrefix >> 32 }

    /// What one customer can be expected to hold: the IPv4 address, or the /64 of an IPv6 address (RFC 6177 §2).
    public var network: PeerAddress { isIPv4 || isLoopback ? self : PeerAddress(high: high, low: 0) }

    /// Reads from the `sockaddr`, whose layout is the same on every Linux: family, port, then address (v6: flow first).
    private static func bigEndian(_ address: SocketAddress, from offset: Int, count: Int) -> UInt64 {
        address.withSockAddr { pointer, size in
            UnsafeRawBufferPointer(start: pointer, count: size)[offset..<offset + count]
                .reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    private static let mappedPrefix: UInt64 = 0xFFFF_0000_0000
}

extension PeerAddress: CustomStringConvertible {
    /// `192.0.2.1`, or eight groups in hexadecimal without the shortening of RFC 5952.
    public var description: String {
        if isIPv4 {
            return (0..<4).map { String(low >> UInt64(24 - 8 * $0) & 0xFF) }.joined(separator: ".")
        }
        return [high, low]
            .flatMap { half in (0..<4).map { String(half >> UInt64(48 - 16 * $0) & 0xFFFF, radix: 16) } }
            .joined(separator: ":")
    }
}
