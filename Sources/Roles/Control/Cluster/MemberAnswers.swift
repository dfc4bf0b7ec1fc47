// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Media

// The answers about members and rankings, as Resources/openapi.json says them.

struct MemberList: Encodable {
    let node: String
    let members: [MemberStatus]
    let total: Int
}

struct MemberStatus: Encodable {
    let name: String
    let own: Bool
    let region: String
    let zone: String
    let roles: [String]
    let health: String
    let draining: Bool
    let takesWork: Bool
    let gossip: OrNull<String>
    let relay: OrNull<String>
    let viewerUrl: OrNull<String>
    let publisherUrl: OrNull<String>
    let capacity: OrNull<UInt64>
    let startedAt: OrNull<String>
    let load: OrNull<MemberLoad>

    init(_ member: Member, own: Bool, load: LoadReport?) {
        let description = member.description
        name = member.id.description
        self.own = own
        region = description.region.description
        zone = description.zone.description
        roles = description.roles.names
        health = member.health.name
        draining = description.isDraining
        takesWork = member.takesWork
        gossip = OrNull(description.gossip.port == 0 ? nil : description.gossip.description)
        relay = OrNull(description.relay?.description)
        viewerUrl = OrNull(description.viewerURL.isEmpty ? nil : description.viewerURL)
        publisherUrl = OrNull(description.publisherURL.isEmpty ? nil : description.publisherURL)
        capacity = OrNull(description.bitsPerSecond)
        let boot = WallTime(milliseconds: Int64(member.incarnation >> 8))
        startedAt = OrNull(boot.milliseconds == 0 ? nil : boot.description)
        self.load = OrNull(load.map { MemberLoad($0, of: description.bitsPerSecond) })
    }
}

struct MemberLoad: Encodable {
    let egress: UInt64
    let share: OrNull<Double>
    let processor: Double
    let viewers: UInt32

    init(_ report: LoadReport, of capacity: UInt64?) {
        egress = report.egress
        share = OrNull(capacity.map { Double(report.egress) / Double($0) })
        processor = Double(report.processor) / 1000
        viewers = report.viewers
    }
}

struct RankingList: Encodable {
    let streamKey: String
    let ranking: [RankingPlace]
    let total: Int
}

struct RankingPlace: Encodable {
    let place: Int
    let node: String
    let zone: OrNull<String>
    let roles: [String]
    let health: OrNull<String>
    let takesWork: Bool
    let inEdgeSet: Bool
    let warm: Bool
    let viewers: OrNull<Int>

    init(_ ranked: RankedNode, at place: Int, member: Member?, viewers: Int?) {
        self.place = place
        node = ranked.node.description
        zone = OrNull(member?.description.zone.description)
        roles = member?.description.roles.names ?? []
        health = OrNull(member?.health.name)
        takesWork = member?.takesWork ?? false
        inEdgeSet = ranked.isInEdgeSet
        warm = ranked.isWarm
        self.viewers = OrNull(viewers)
    }
}

extension NodeDescription {
    /// The capacity in bits a second; nil where none is known.
    var bitsPerSecond: UInt64? { capacity == 0 ? nil : UInt64(capacity) * 1_000_000 }
}

extension NodeRoles {
    /// The roles as the API and the settings write them.
    var names: [String] { Self.named.filter { contains($0.role) }.map(\.name) }

    /// The roles of such names; others are passed over.
    init(names: [String]) {
        self.init(Self.named.filter { names.contains($0.name) }.map(\.role))
    }

    private static let named: [(name: String, role: NodeRoles)] = [
        ("origin", .origin), ("edge", .edge), ("router", .router), ("shield", .shield),
    ]
}

extension MemberHealth {
    /// The health as the API writes it.
    var name: String {
        switch self {
        case .alive: "alive"
        case .suspect: "suspect"
        case .dead: "dead"
        case .left: "left"
        }
    }
}
