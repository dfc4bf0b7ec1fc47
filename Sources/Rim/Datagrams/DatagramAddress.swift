// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Glibc

/// Where a datagram comes from or goes to: 128 bits of address, IPv4 mapped (RFC 4291 §2.5.5.2), and a port, in the order
/// that the kernel has them in.
///
/// Eighteen bytes by value, without reference counting. The zone of a link-local address is not kept: such peers are
/// answered through the route that the machine has.
public struct DatagramAddress: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64
    private let networkPort: UInt16

    /// The address of an endpoint.
    public init(_ endpoint: Endpoint) {
        switch endpoint.address {
        case .v4(let number):
            high = 0
            low = (Self.mappedPrefix | UInt64(number)).bigEndian
        case .v6(let upper, let lower):
            high = upper.bigEndian
            low = lower.bigEndian
        }
        networkPort = endpoint.port.bigEndian
    }

    /// The endpoint of this address; one that is mapped is of IPv4.
    public var endpoint: Endpoint {
        let lower = UInt64(bigEndian: low)
        let address: IPAddress =
            isIPv4 ? .v4(UInt32(truncatingIfNeeded: lower)) : .v6(UInt64(bigEndian: high), lower)
        return Endpoint(address: address, port: port)
    }

    /// The port, in host order.
    public var port: UInt16 { UInt16(bigEndian: networkPort) }

    /// Whether this is an address of IPv4.
    public var isIPv4: Bool { high == 0 && UInt64(bigEndian: low) >> 32 == Self.mappedPrefix >> 32 }

    /// Whether this is 127.0.0.0/8 or ::1.
    public var isLoopback: Bool {
        isIPv4 ? UInt64(bigEndian: low) >> 24 & 0xFF == 127 : high == 0 && UInt64(bigEndian: low) == 1
    }

    private static let mappedPrefix: UInt64 = 0xFFFF_0000_0000
}

extension DatagramAddress: CustomStringConvertible {
    /// `192.0.2.1:5004` or `[2001:db8::1]:5004`.
    public var description: String { endpoint.description }
}

extension DatagramAddress {
    /// From a `sockaddr_in6` or `sockaddr_in` that the kernel wrote.
    init(socketAddress bytes: UnsafeRawPointer) {
        networkPort = bytes.load(fromByteOffset: 2, as: UInt16.self)
        if bytes.load(as: sa_family_t.self) == sa_family_t(AF_INET6) {
            high = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            low = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        } else {
            high = 0
            let address = UInt32(bigEndian: bytes.load(fromByteOffset: 4, as: UInt32.self))
            low = (Self.mappedPrefix | UInt64(address)).bigEndian
        }
    }

    /// Writes the `sockaddr` that a socket of this family takes, and gives its length; an IPv6 address does not fit a
    /// socket of IPv4, and becomes 0.0.0.0 there, which the kernel refuses or keeps on the machine.
    func write(to bytes: UnsafeMutableRawPointer, isIPv6: Bool) -> UInt32 {
        bytes.storeBytes(of: sa_family_t(isIPv6 ? AF_INET6 : AF_INET), as: sa_family_t.self)
        bytes.storeBytes(of: networkPort, toByteOffset: 2, as: UInt16.self)
        bytes.storeBytes(of: 0, toByteOffset: 4, as: UInt32.self)
        guard isIPv6 else {
            let address = isIPv4 ? UInt32(truncatingIfNeeded: UInt64(bigEndian: low)) : 0
            bytes.storeBytes(of: address.bigEndian, toByteOffset: 4, as: UInt32.self)
            bytes.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
            return 16
        }
        bytes.storeBytes(of: high, toByteOffset: 8, as: UInt64.self)
        bytes.storeBytes(of: low, toByteOffset: 16, as: UInt64.self)
        bytes.storeBytes(of: 0, toByteOffset: 24, as: UInt32.self)
        return 28
    }

    /// Room for either kind of `sockaddr`, a multiple of eight.
    static let socketAddressSize = 32
}
