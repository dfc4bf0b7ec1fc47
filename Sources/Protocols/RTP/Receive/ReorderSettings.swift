// SPDX-License-Identifier: Apache-2.0

/// How long packets are waited for, and how often they are asked for.
public struct ReorderSettings: Hashable, Sendable {
    /// How long packets behind a hole wait. It bounds the delay that loss can add, and how many requests fit.
    public var patience: Duration = .milliseconds(500)
    /// How long a hole stands before it is asked for: most are packets that were overtaken.
    public var requestDelay: Duration = .milliseconds(10)
    /// The least time from one request for a packet to the next; a round trip where that is longer.
    public var requestInterval: Duration = .milliseconds(40)
    /// How often a packet is asked for; 0 where the sender was not promised to answer.
    public var maximumRequests = 10
    /// How many packets wait at most, how many are waited for, and how far a number may jump.
    public var capacity = 1024
    /// How many packets on end must be behind before the source counts as one that began anew.
    public var staleLimit = 64

    /// The defaults, for a source that answers requests.
    public init() {}

    /// For a source that does not: no more is waited for than overtaken packets.
    public static let withoutRequests: ReorderSettings = {
        var settings = ReorderSettings()
        settings.patience = .milliseconds(60)
        settings.maximumRequests = 0
        return settings
    }()
}
