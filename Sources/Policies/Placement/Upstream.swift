// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import Identity

/// How far a node stands from where a stream's feed begins. A node subscribes only at a strictly lower level, which alone
/// keeps subscriptions from running in a circle, as long as both sides know each other's level.
public enum RelayLevel: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    /// The gateway and the standby.
    case holder = 0
    /// Shields of the gateway's region; where it has none, its other origins, at which other regions subscribe.
    case homeShield = 1
    /// Shields of other regions.
    case remoteShield = 2
    /// All others.
    case edge = 3

    /// Orders by distance.
    public static func < (left: RelayLevel, right: RelayLevel) -> Bool { left.rawValue < right.rawValue }
}

/// A node that a feed can be had from.
public struct Upstream: Hashable, Sendable {
    /// The node.
    public let node: NodeID
    /// Where it takes subscriptions.
    public let relay: Endpoint

    /// A node and its door.
    public init(node: NodeID, relay: Endpoint) {
        self.node = node
        self.relay = relay
    }
}

extension PlacementSnapshot {
    /// The level of a node of this region for a stream.
    public func level(of node: NodeID, for entry: StreamEntry) -> RelayLevel {
        if node == entry.gateway || node == entry.standby { return .holder }
        let isShield = shields.index(of: node) != nil
        guard entry.region == region else { return isShield ? .remoteShield : .edge }
        let isDoor = isShield || shields.count == 0 && origins.index(of: node) != nil
        return isDoor ? .homeShield : .edge
    }

    /// Where a node of this region has a stream's feed from: at most two nodes, the second for when the first fails. None
    /// for a holder, and none where no parent is known. Those of a stream that is over have its end.
    ///
    /// Edges subscribe at the region's shields, the first two of the stream's ranking; in the gateway's own region at the
    /// holders while they are few. Shields, and the edges of a region without one, subscribe at the holders if they are in
    /// the region, else at the doors of the gateway's region.
    /// - Parameter edgeCount: how many edges of the region have the stream, as far as is known: an edge may take the number
    ///   of the region's edges, and is sent on if that is wrong.
    public func parents(of node: NodeID, for entry: StreamEntry, edgeCount: Int) -> [Upstream] {
        let level = level(of: node, for: entry)
        guard level != .holder else { return [] }
        let isHome = entry.region == region
        let isDirect = level < .edge || isHome && edgeCount <= Self.directEdges
        let near = isDirect ? [] : nearShields(for: entry)
        guard near.count < 2 else { return near }
        let far = isHome ? holders(for: entry, spreading: node) : doors(for: entry)
        return Array((near + far.filter { !near.contains($0) }).prefix(2))
    }

    /// The first two shields of the region, those that take work before suspects.
    func nearShields(for entry: StreamEntry) -> [Upstream] {
        let ranking = shields.working(2, of: RankingKey(entry.stream)).map { shields.members[$0] }
        let ordered = ranking.filter(\.takesWork) + ranking.filter { !$0.takesWork }
        return Array(ordered.compactMap(Upstream.init).prefix(2))
    }

    /// The holders; half of the subscribers begin at the one, half at the other.
    func holders(for entry: StreamEntry, spreading node: NodeID) -> [Upstream] {
        let holders = [entry.gateway, entry.standby].compactMap { $0.flatMap(view.member) }.filter {
            $0.health <= .suspect
        }
        let key = RankingKey(node).mixed(with: RankingKey(entry.stream))
        let ordered = key & 1 == 0 ? holders : holders.reversed()
        return (ordered.filter { $0.health == .alive } + ordered.filter { $0.health != .alive }).compactMap(
            Upstream.init)
    }

    /// The doors of the gateway's region: holders first, which saves a hop, then by the stream's ranking.
    func doors(for entry: StreamEntry) -> [Upstream] {
        let doors = (view.regions[entry.region]?.doors ?? []).filter { $0.capacity > 0 }.sorted { $0.node < $1.node }
        let table = RankingTable(doors.map { (RankingKey($0.node), $0.capacity) })
        let ranking = table.ranking(of: RankingKey(entry.stream)).map { doors[$0] }
        let isHolder = { (door: RelayDoor) in door.node == entry.gateway || door.node == entry.standby }
        return (ranking.filter(isHolder) + ranking.filter { !isHolder($0) })
            .map { Upstream(node: $0.node, relay: $0.relay) }
    }

    /// So many edges of the gateway's region subscribe at the holders; more go to shields.
    static let directEdges = 4
}

extension Upstream {
    /// A member as a parent; nil where it takes no subscriptions.
    init?(_ member: Member) {
        guard let relay = member.description.relay else { return nil }
        self.init(node: member.id, relay: relay)
    }
}
