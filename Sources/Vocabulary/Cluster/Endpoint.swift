// SPDX-License-Identifier: Apache-2.0

/// Where a node can be reached: an IP address and a port.
public struct Endpoint: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// An address of IPv4 or IPv6.
    public let address: IPAddress
    /// The port, in host order.
    public let port: UInt16

    /// An endpoint of its parts.
    public init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// `192.0.2.1:7946` or `[2001:db8::1]:7946`.
    public var description: String {
        switch address {
        case .v4: "\(address):\(port)"
        case .v6: "[\(address)]:\(port)"
        }
    }

    /// Orders by address, then by port.
    public static func < (left: Endpoint, right: Endpoint) -> Bool {
        (left.address, left.port) < (right.address, right.port)
    }
}
