// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What the ambassadors of a region tell those of the others, every two seconds.
public struct RegionSummary: Hashable, Sendable {
    /// The region.
    public let region: Region
    /// Who speaks, and when: Unix milliseconds. The newest summary of a region counts.
    public let speaker: NodeID
    /// Unix milliseconds at the speaker.
    public let time: UInt64
    /// Where the region's routers take viewers from elsewhere, at most 8.
    public let routers: [String]
    /// Where other regions subscribe: its shields, else its origins, at most 8.
    public let doors: [RelayDoor]
    /// What its edges may send to viewers, in Mbit/s.
    public let capacity: UInt32
    /// How much of that is in use, in per mille.
    public let load: UInt16
    /// The versions of the byte writer that all write who may hold streams there; where they have none in common, the
    /// highest of who writes the oldest. nil where the speaker's program does not say it yet: it may write any.
    public let packaging: ClosedRange<UInt8>?

    /// A summary of its parts.
    public init(
        region: Region, speaker: NodeID, time: UInt64, routers: [String], doors: [RelayDoor], capacity: UInt32,
        load: UInt16, packaging: ClosedRange<UInt8>? = nil
    ) {
        self.region = region
        self.speaker = speaker
        self.time = time
        self.routers = routers
        self.doors = doors
        self.capacity = capacity
        self.load = load
        self.packaging = packaging
    }
}

/// A node that takes subscriptions from other regions.
public struct RelayDoor: Hashable, Sendable {
    /// The node.
    public let node: NodeID
    /// Where it listens.
    public let relay: Endpoint
    /// Its weight in rankings, Mbit/s.
    public let capacity: UInt32

    /// A door of its parts.
    public init(node: NodeID, relay: Endpoint, capacity: UInt32) {
        self.node = node
        self.relay = relay
        self.capacity = capacity
    }
}
