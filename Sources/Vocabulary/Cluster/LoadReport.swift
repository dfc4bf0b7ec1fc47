// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What an edge tells the routers and origins of its region once a second. It goes straight to them, never by gossip.
public struct LoadReport: Hashable, Sendable {
    /// Whose load it is.
    public let node: NodeID
    /// Grows with every report of one life of the node; an older one is of no use.
    public let sequence: UInt64
    /// What it sends to viewers, in bits a second.
    public let egress: UInt64
    /// How much of its processors is in use, 0 to 1000 per mille.
    public let processor: UInt16
    /// Viewers of all streams.
    public let viewers: UInt32
    /// Viewers of the streams with the most, at most 64, by stream.
    public let streams: [StreamAudience]

    /// A report of its parts.
    public init(
        node: NodeID, sequence: UInt64, egress: UInt64, processor: UInt16, viewers: UInt32, streams: [StreamAudience]
    ) {
        self.node = node
        self.sequence = sequence
        self.egress = egress
        self.processor = processor
        self.viewers = viewers
        self.streams = streams
    }
}

/// How many watch a stream on one node.
public struct StreamAudience: Hashable, Sendable {
    /// The stream's place in rankings.
    public let key: RankingKey
    /// Viewers.
    public let viewers: UInt32
    /// What they are sent, in kbit/s.
    public let kilobits: UInt32

    /// An audience of its parts.
    public init(key: RankingKey, viewers: UInt32, kilobits: UInt32) {
        self.key = key
        self.viewers = viewers
        self.kilobits = kilobits
    }
}
