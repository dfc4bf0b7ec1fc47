// SPDX-License-Identifier: Apache-2.0

/// How much plain RTP a node takes and for how long.
public struct FanoutSettings: Hashable, Sendable {
    /// Sessions at once.
    public var maximumSessions = 10_000
    /// Subscribers of one session that this node sends to.
    public var maximumSubscribers = 1000
    /// Other nodes that may send to subscribers of one session beside this one: the first of its edge set.
    public var maximumBranches = 16
    /// Subscribers of all sessions that were asked and did not answer yet.
    public var maximumAsked = 1000
    /// How long a session lives without a packet.
    public var idleTimeout: Duration = .seconds(300)
    /// How often a subscriber is asked whether it wants the packets, one second after another, before it is given up.
    public var maximumProbes = 5
    /// How long an answer counts; then the subscriber is asked again, and goes on receiving meanwhile.
    public var consentLife: Duration = .seconds(30)

    /// Settings with their defaults, which are those of the RTP Fanout Server where it has such.
    public init() {}
}
