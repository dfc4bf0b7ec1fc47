// SPDX-License-Identifier: Apache-2.0

public import Cluster

/// One UDP socket and the thread that serves it.
public struct DatagramSettings: Sendable, Hashable {
    /// Where to listen; the IPv6 address `::` takes IPv4 too, and port 0 lets the system choose.
    public var local: Endpoint
    /// Whether other threads listen at the same port, each peer coming to one of them (SO_REUSEPORT).
    public var isShared = false
    /// What the kernel may hold for us, in bytes. Without CAP_NET_ADMIN it takes `net.core.rmem_max` where that is less.
    public var receiveBuffer = 16 << 20
    /// What the kernel may hold of ours, in bytes. Without CAP_NET_ADMIN it takes `net.core.wmem_max` where that is less.
    public var sendBuffer = 32 << 20
    /// Bytes of datagrams that wait for the kernel; beyond that whole frames are dropped. The memory is the thread's for
    /// ever, though only what was used once is real.
    public var slab = 4 << 20
    /// How many calls may wait for the thread.
    public var inbox = 65_536
    /// Whether several datagrams to one peer go to the kernel as one (UDP_SEGMENT), where it can.
    public var segmentation = true
    /// Whether the kernel may give several datagrams of one peer at once (UDP_GRO), where it can.
    public var coalescing = true
    /// The thread's name, of which `top -H` shows fifteen characters.
    public var name: String

    /// Settings with their defaults.
    public init(local: Endpoint, name: String) {
        self.local = local
        self.name = name
    }
}

/// Why there is no such socket.
public struct DatagramFailure: Error, Hashable, CustomStringConvertible {
    /// What was tried.
    public let step: String
    /// The errno.
    public let code: Int32

    /// `bind 0.0.0.0:5004: errno 98`.
    public var description: String { "\(step): errno \(code)" }
}
