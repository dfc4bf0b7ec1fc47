// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What a node says of itself to its cluster. It changes seldom; load is reported elsewhere.
///
/// Copies share their storage until one is changed: a cluster's news are copied into every datagram, and a table of a
/// thousand members is looked at all the time.
public struct NodeDescription: Sendable {
    private var storage: Storage

    /// A description of its parts.
    public init(
        id: NodeID, roles: NodeRoles, region: Region = .local, zone: Zone = .local, gossip: Endpoint,
        relay: Endpoint? = nil, viewerURL: String = "", publisherURL: String = "", capacity: UInt32 = 1000,
        packaging: ClosedRange<UInt8> = 1...1, isDraining: Bool = false
    ) {
        storage = Storage(
            Fields(
                id: id, roles: roles, region: region, zone: zone, gossip: gossip, relay: relay, viewerURL: viewerURL,
                publisherURL: publisherURL, capacity: capacity, packaging: packaging, isDraining: isDraining))
    }

    /// The longest `viewerURL` and `publisherURL`, in bytes.
    public static let longestURL = 128
}

extension NodeDescription {
    /// Its name.
    public var id: NodeID { storage.fields.id }

    /// What it does.
    public var roles: NodeRoles {
        get { storage.fields.roles }
        set { change { $0.roles = newValue } }
    }

    /// Where it stands.
    public var region: Region {
        get { storage.fields.region }
        set { change { $0.region = newValue } }
    }

    /// The part of the region that fails with it.
    public var zone: Zone {
        get { storage.fields.zone }
        set { change { $0.zone = newValue } }
    }

    /// Where gossip reaches it, by UDP and TCP.
    public var gossip: Endpoint {
        get { storage.fields.gossip }
        set { change { $0.gossip = newValue } }
    }

    /// Where other nodes subscribe to feeds; nil where it offers none.
    public var relay: Endpoint? {
        get { storage.fields.relay }
        set { change { $0.relay = newValue } }
    }

    /// Before every path that viewers are sent to, such as `https://edge-1.example.org`, without a slash at the end; at
    /// most 128 bytes, empty where viewers can not reach it.
    public var viewerURL: String {
        get { storage.fields.viewerURL }
        set { change { $0.viewerURL = newValue } }
    }

    /// Where publishers are sent, such as `rtmp://origin-1.example.org:1935`, without a slash at the end; at most 128
    /// bytes, empty where publishers can not reach it.
    public var publisherURL: String {
        get { storage.fields.publisherURL }
        set { change { $0.publisherURL = newValue } }
    }

    /// What it may send to viewers, in Mbit/s; its weight in every ranking.
    public var capacity: UInt32 {
        get { storage.fields.capacity }
        set { change { $0.capacity = newValue } }
    }

    /// The versions of the byte writer that it can write with.
    public var packaging: ClosedRange<UInt8> {
        get { storage.fields.packaging }
        set { change { $0.packaging = newValue } }
    }

    /// Whether it takes nothing new because it is about to leave.
    public var isDraining: Bool {
        get { storage.fields.isDraining }
        set { change { $0.isDraining = newValue } }
    }
}

extension NodeDescription: Hashable {
    /// Compares what is said; copies are equal without a look.
    public static func == (left: NodeDescription, right: NodeDescription) -> Bool {
        left.storage === right.storage || left.storage.fields == right.storage.fields
    }

    /// Hashes what is said.
    public func hash(into hasher: inout Hasher) { hasher.combine(storage.fields) }
}

extension NodeDescription {
    fileprivate struct Fields: Hashable, Sendable {
        let id: NodeID
        var roles: NodeRoles
        var region: Region
        var zone: Zone
        var gossip: Endpoint
        var relay: Endpoint?
        var viewerURL: String
        var publisherURL: String
        var capacity: UInt32
        var packaging: ClosedRange<UInt8>
        var isDraining: Bool
    }

    /// Never changed: a change makes another.
    fileprivate final class Storage: Sendable {
        let fields: Fields

        init(_ fields: Fields) { self.fields = fields }
    }

    private mutating func change(_ change: (inout Fields) -> Void) {
        var fields = storage.fields
        change(&fields)
        storage = Storage(fields)
    }
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
    /// An origin that writes to an object store.
    public static let recorder = NodeRoles(rawValue: 16)
}
