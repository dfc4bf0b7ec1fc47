// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import TestKit
import Testing

/// A cluster of one region, made by hand.
struct Nodes {
    /// Its members.
    var members: [Member] = []

    /// Edges `edge-1`, `edge-2`, … each of a capacity in Mbit/s.
    static func edges(_ count: Int, capacity: UInt32 = 1000, zones: Int = 1) throws -> Nodes {
        try (1...max(count, 1)).prefix(count).reduce(into: Nodes()) { nodes, number in
            try nodes.add("edge-\(number)", roles: .edge, zone: "z\(number % zones)", capacity: capacity)
        }
    }

    /// Adds a member that everybody can reach.
    mutating func add(
        _ name: String, roles: NodeRoles, region: String = "local", zone: String = "local", capacity: UInt32 = 1000,
        packaging: ClosedRange<UInt8> = 1...1
    ) throws {
        let description = NodeDescription(
            id: try node(name), roles: roles, region: try #require(Region(parsing: region)),
            zone: try #require(Zone(parsing: zone)), gossip: Endpoint(address: .v4(1), port: 7946),
            relay: Endpoint(address: .v4(UInt32(members.count)), port: 7947), viewerURL: "http://\(name)",
            publisherURL: "rtmp://\(name)", capacity: capacity, packaging: packaging)
        members.append(Member(description: description, incarnation: 256, health: .alive))
    }

    /// Changes one member.
    mutating func change(_ name: String, _ change: (inout Member) -> Void) {
        for index in members.indices where members[index].id.description == name { change(&members[index]) }
    }

    /// All but one.
    func without(_ name: String) -> Nodes { Nodes(members: members.filter { $0.id.description != name }) }

    /// The candidates among them with these roles.
    func candidates(_ roles: NodeRoles = .edge) -> Candidates { Candidates(members, in: .local, with: roles) }

    /// What the node `name` sees of them.
    func snapshot(
        of name: String, version: UInt64 = 1, streams: [StreamEntry] = [], regions: [RegionSummary] = []
    ) throws -> PlacementSnapshot {
        PlacementSnapshot(
            ClusterView(
                node: try node(name), version: version, members: members,
                streams: Dictionary(uniqueKeysWithValues: streams.map { ($0.stream, $0) }),
                regions: Dictionary(uniqueKeysWithValues: regions.map { ($0.region, $0) })))
    }
}

func node(_ name: String) throws -> NodeID { try #require(NodeID(parsing: name)) }

func stream(_ name: String) throws -> StreamID { try StreamID(parsing: name) }

func key(_ number: Int) -> RankingKey { RankingKey(ViewerID(number: UInt64(number))) }

func entry(
    _ name: String = "live/a", gateway: String, standby: String? = nil, region: String = "local",
    state: StreamState = .live
) throws -> StreamEntry {
    StreamEntry(
        stream: try stream(name), term: Term(number: 1, salt: 1), gateway: try node(gateway),
        standby: try standby.map(node), region: try #require(Region(parsing: region)), state: state, publisher: 1)
}

func summary(
    _ region: String, doors: [String] = [], load: UInt16 = 0, routers: [String] = ["http://router"],
    packaging: ClosedRange<UInt8>? = nil
) throws -> RegionSummary {
    RegionSummary(
        region: try #require(Region(parsing: region)), speaker: try node("speaker"), time: 1, routers: routers,
        doors: try doors.map {
            RelayDoor(node: try node($0), relay: Endpoint(address: .v4(9), port: 7947), capacity: 1000)
        }, capacity: 1000, load: load, packaging: packaging)
}

func names(_ indices: [Int], of candidates: Candidates) -> [String] {
    indices.map { candidates.members[$0].id.description }
}
