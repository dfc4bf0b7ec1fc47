// SPDX-License-Identifier: Apache-2.0

public import Identity

/// A stream in the directory that every node holds: where its feed begins.
public struct StreamEntry: Hashable, Sendable {
    /// The stream.
    public let stream: StreamID
    /// Who may append.
    public let term: Term
    /// Counts the changes of this entry within its term, from 0.
    public var version: UInt32
    /// The origin that the publisher landed on.
    public let gateway: NodeID
    /// The origin that holds the feed beside it.
    public var standby: NodeID?
    /// The gateway's region.
    public let region: Region
    /// Whether anything comes.
    public var state: StreamState
    /// The keyed hash of its publisher's token, by which a publisher who returns is known on another origin.
    public let publisher: UInt64
    /// What a multivariant playlist lists, at most 6; empty until there is a whole segment.
    public var variants: [StreamVariant]

    /// An entry of its parts.
    public init(
        stream: StreamID, term: Term, version: UInt32 = 0, gateway: NodeID, standby: NodeID? = nil, region: Region,
        state: StreamState, publisher: UInt64, variants: [StreamVariant] = []
    ) {
        self.stream = stream
        self.term = term
        self.version = version
        self.gateway = gateway
        self.standby = standby
        self.region = region
        self.state = state
        self.publisher = publisher
        self.variants = variants
    }

    /// Whether this replaces `other` wherever the two meet: the higher term does, then the higher version.
    public func overrides(_ other: StreamEntry) -> Bool {
        term == other.term ? version > other.version : term > other.term
    }
}

/// What a stream does.
public enum StreamState: UInt8, Hashable, Sendable, CaseIterable {
    /// It has a publisher.
    case live = 1
    /// Its publisher is away, within the grace.
    case absent = 2
    /// It is over; the entry stays for a while, so that nobody learns of the stream anew.
    case ended = 3
}
