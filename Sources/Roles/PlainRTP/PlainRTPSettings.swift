// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Fanout
public import Transport

/// Where plain RTP is taken, and for whom.
public struct PlainRTPSettings: Sendable, Hashable {
    /// Where packets are received, and sent from.
    public var local: Endpoint
    /// UDP threads at that port.
    public var threads: Int
    /// How long packets of a picture wait for its last one, so that they go out together.
    public var hold: Duration
    /// Subscribers within these networks need no probe.
    public var allowed: [AddressPrefix]
    /// What the sessions may be.
    public var fanout: FanoutSettings

    /// Settings of their parts.
    public init(
        local: Endpoint, threads: Int, hold: Duration, allowed: [AddressPrefix], fanout: FanoutSettings
    ) {
        self.local = local
        self.threads = threads
        self.hold = hold
        self.allowed = allowed
        self.fanout = fanout
    }
}
