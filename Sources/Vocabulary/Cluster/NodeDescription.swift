// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What a node says of itself to its cluster. It changes seldom; load is reported elsewhere.
public struct NodeDescription: Hashable, Sendable {
    /// Its name.
    public let id: NodeID
    /// What it does.
    public var roles: NodeRoles
    /// Where it stands.
    public var region: Region
    /// The part of the region that fails with it.
    public var zone: Zone
    /// Where gossip reaches it, by UDP and TCP.
    public var gossip: Endpoint
    /// Where other nodes subscribe to feeds; nil where it offers none.
    public var relay: Endpoint?
    /// Before every path that viewers are sent to, such as `https://edge-1.example.org`, without a slash at the end; at
    /// most 128 bytes, empty where viewers can not reach it.
    public var viewerURL: String
    /// Where publishers are sent, such as `rtmp://origin-1.example.org:1935`, without a slash at the end; at most 128
    /// bytes, empty where publishers can not reach it.
    public var publisherURL: String
    /// What it may send to viewers, in Mbit/s; its weight in every ranking.
    public var capacity: UInt32
    /// The versions of the byte writer that it can write with.
    public var packaging: ClosedRange<UInt8>
    /// Whether it takes nothing new because it is about to leave.
    public var isDraining: Bool

    /// A description of its parts.
    public init(
        id: NodeID, roles: NodeRoles, region: Region = .local, zone: Zone = .local, gossip: Endpoint,
        relay: Endpoint? = nil, viewerURL: String = "", publisherURL: String = "", capacity: UInt32 = 1000,
        packaging: ClosedRange<UInt8> = 1...1, isDraining: Bool = false
    ) {
        self.id = id
        self.roles = roles
        self.region = region
        self.zone = zone
        self.gossip = gossip
        self.relay = relay
        self.viewerURL = viewerURL
        self.publisherURL = publisherURL
        self.capacity = capacity
        self.packaging = packaging
        self.isDraining = isDraining
    }

    /// The longest `viewerURL` and `publisherURL`, in bytes.
    public static let longestURL = 128
}

/// What a node does. One node may do all of it.
public struct NodeRoles: OptionSet, Hashable, Sendable {
    /// The bits as they travel.
    public let rawValue: UInt8

    /// Roles of their bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Takes publishers and decides segments.
    public static let origin = NodeRoles(rawValue: 1)
    /// Serves viewers.
    public static let edge = NodeRoles(rawValue: 2)
    /// Sends viewers to edges and publishers to origins.
    public static let router = NodeRoles(rawValue: 4)
    /// An edge at which the region's other edges subscribe.
    public static let shield = NodeRoles(rawValue: 8)
}
