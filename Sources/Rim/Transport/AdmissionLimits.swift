// SPDX-License-Identifier: Apache-2.0

/// How many connections a listener takes, and how fast.
public struct AdmissionLimits: Sendable, Equatable {
    /// Connections open at once; each costs a file descriptor and its buffers.
    public var connections: Int
    /// New connections a second from one address (for IPv6: from one /64), and as many at once; 0 is no limit.
    public var ratePerAddress: Int
    /// Networks that are free of the rate, because many peers share an address there: a reverse proxy, a load test.
    /// They count towards ``connections`` like all others.
    public var trusted: [AddressPrefix]
    /// Addresses remembered for their rate. 40 bytes each; an address is forgotten after at most two seconds.
    public var addresses: Int

    /// Limits with their defaults.
    public init(
        connections: Int = 20_000, ratePerAddress: Int = 20, trusted: [AddressPrefix] = .loopback,
        addresses: Int = 65_536
    ) {
        self.connections = connections
        self.ratePerAddress = ratePerAddress
        self.trusted = trusted
        self.addresses = addresses
    }
}
