// SPDX-License-Identifier: Apache-2.0

public import Transport

/// `rtp.…`
public struct RTPSettings: Sendable, Equatable {
    /// Whether plain RTP is served at all, and gRPC with it.
    public var enabled = true
    /// The address to receive at.
    public var host = "127.0.0.1"
    /// The port; 0 lets the kernel choose.
    public var port = 5004
    /// UDP threads; 0 for one a processor.
    public var threads = 0
    /// Sessions at once.
    public var maximumSessions = 10_000
    /// Subscribers of a session.
    public var maximumSubscribers = 1000
    /// Other nodes that may help with a session.
    public var maximumBranches = 16
    /// How long a session lives without a packet.
    public var idleTimeout = Duration.seconds(300)
    /// How long packets of a picture wait for each other.
    public var hold = Duration.milliseconds(2)
    /// Subscribers that need not be asked.
    public var willing = [AddressPrefix].loopback

    /// The defaults.
    public init() {}
}

/// `grpc.…`
public struct GRPCSettings: Sendable, Equatable {
    /// The address to listen at.
    public var host = "127.0.0.1"
    /// The port; 0 lets the kernel choose.
    public var port = 50_051
    /// Whether the port speaks TLS, with the certificate of `http.tls`.
    public var secured = false

    /// The defaults.
    public init() {}
}
