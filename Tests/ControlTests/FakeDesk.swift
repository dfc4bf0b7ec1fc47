// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Identity
import Media
import Synchronization

/// Two regions of seven nodes each, as router-eu-1 sees them: one origin is dead, one edge does not answer, one drains.
/// `live/stage` runs in both regions, `live/demo` has no standby, `show/one` waits for its publisher in the other region.
final class FakeDesk: ClusterDesk {
    private let ring = Mutex(EventRing(capacity: 100))
    private let ordered = Mutex<[String]>([])
    private let members: [Member]
    private let entries: [StreamEntry]

    init(members: [Member] = FakeDesk.members, entries: [StreamEntry] = FakeDesk.entries) {
        self.members = members
        self.entries = entries
    }

    /// Says that something changed.
    func note(_ change: ClusterEvent.Change) {
        ring.withLock { $0.append(change, at: WallTime(milliseconds: 1_800_000_000_000)) }
    }

    /// What it was told to do.
    var orders: [String] { ordered.withLock { $0 } }

    func view() -> ClusterView {
        ClusterView(
            node: FakeDesk.name("router-eu-1"), version: 7, members: members,
            streams: Dictionary(entries.map { ($0.stream, $0) }) { $1 },
            regions: [
                FakeDesk.us: RegionSummary(
                    region: FakeDesk.us, speaker: FakeDesk.name("origin-us-1"), time: 1_800_000_000_000,
                    routers: ["https://router-us-1.example.org"],
                    doors: [
                        RelayDoor(node: FakeDesk.name("shield-us-1"), relay: FakeDesk.endpoint(7947), capacity: 1000)
                    ], capacity: 3000, load: 330)
            ])
    }

    func loads() -> [LoadReport] {
        let (stage, demo) = (RankingKey(FakeDesk.stream("live/stage")), RankingKey(FakeDesk.stream("live/demo")))
        let rows: [(node: String, megabits: UInt64, stage: UInt32, demo: UInt32)] = [
            ("edge-eu-1", 600, 1200, 10), ("edge-eu-2", 970, 800, 0), ("shield-eu-1", 0, 0, 0),
        ]
        return rows.map { row in
            LoadReport(
                node: FakeDesk.name(row.node), sequence: 9, egress: row.megabits * 1_000_000, processor: 450,
                viewers: row.stage + row.demo,
                streams: [
                    StreamAudience(key: stage, viewers: row.stage, kilobits: 1),
                    StreamAudience(key: demo, viewers: row.demo, kilobits: 1),
                ])
        }
    }

    func ranking(of stream: StreamID) -> [RankedNode] {
        ["edge-eu-1", "edge-eu-2", "shield-eu-1"].enumerated().map { index, name in
            RankedNode(FakeDesk.name(name), isInEdgeSet: index < 2, isWarm: index == 0)
        }
    }

    func tree(of stream: StreamID) -> [TreeBranch] {
        guard stream == FakeDesk.stream("live/stage") else { return [] }
        let rows: [(node: String, region: Region, part: TreeBranch.Part, parent: String?)] = [
            ("origin-eu-1", FakeDesk.eu, .gateway, nil), ("origin-eu-2", FakeDesk.eu, .standby, "origin-eu-1"),
            ("shield-eu-1", FakeDesk.eu, .shield, "origin-eu-1"), ("edge-eu-1", FakeDesk.eu, .edge, "shield-eu-1"),
            ("shield-us-1", FakeDesk.us, .shield, "origin-eu-2"), ("far-1", FakeDesk.us, .edge, "shield-us-1"),
        ]
        return rows.map { row in
            TreeBranch(FakeDesk.name(row.node), in: row.region, as: row.part, from: row.parent.map(FakeDesk.name))
        }
    }

    func events(after number: UInt64) -> [ClusterEvent] { ring.withLock { $0.events(after: number) } }

    func drain(_ node: NodeID, within deadline: Duration) async -> DrainOutcome {
        guard let member = view().member(node) else { return .unknownNode }
        guard member.health < .dead else { return .gone }
        guard member.health < .suspect else { return .unreachable }
        ordered.withLock { $0.append("drain \(node) \(deadline)") }
        return .begun
    }

    func keys() -> [ClusterKeyStatus] {
        [ClusterKeyStatus(id: 0x0A, isInUse: true), ClusterKeyStatus(id: 0xFFFF_FFFF, isInUse: false)]
    }

    func order(_ change: ClusterKeyChange) -> ClusterKeyOutcome {
        let id: UInt32
        switch change {
        case .install(let text):
            guard text.revealed.utf8.count == 64 else { return .refused(.notAKey) }
            id = 0x1234_5678
        case .remove(0x0A): return .refused(.inUse)
        case .remove(let key), .use(let key):
            guard keys().contains(where: { $0.id == key }) else { return .refused(.unknownKey) }
            id = key
        }
        ordered.withLock { $0.append("\(change)") }
        return .ordered(id)
    }
}

// MARK: - Who there is

extension FakeDesk {
    static let eu = Region(parsing: "eu") ?? .local
    static let us = Region(parsing: "us") ?? .local

    static func name(_ text: String) -> NodeID { NodeID(parsing: text) ?? .local }

    static func stream(_ text: String) -> StreamID {
        do { return try StreamID(parsing: text) } catch { preconditionFailure("\(text): \(error)") }
    }

    static func endpoint(_ port: UInt16) -> Endpoint { Endpoint(address: .v4(0x0A00_0001), port: port) }

    static var members: [Member] {
        [eu, us].flatMap { region in
            let nodes: [(String, String, NodeRoles)] = [
                ("origin", "a", .origin), ("origin", "b", .origin), ("origin", "c", .origin), ("edge", "b", .edge),
                ("edge", "c", .edge), ("shield", "a", [.edge, .shield]), ("router", "a", .router),
            ]
            var counts: [String: Int] = [:]
            return nodes.map { kind, zone, roles in
                counts[kind, default: 0] += 1
                return member("\(kind)-\(region)-\(counts[kind] ?? 0)", region, zone, roles)
            }
        }
    }

    private static func member(_ name: String, _ region: Region, _ zone: String, _ roles: NodeRoles) -> Member {
        let healths = ["origin-eu-3": MemberHealth.dead, "edge-eu-2": .suspect]
        let description = NodeDescription(
            id: self.name(name), roles: roles, region: region, zone: Zone(parsing: zone) ?? .local,
            gossip: endpoint(7946), relay: endpoint(7947),
            viewerURL: roles.contains(.router) ? "https://\(name).example.org" : "",
            isDraining: name == "edge-eu-1")
        return Member(
            description: description, incarnation: 1_800_000_000_000 << 8, health: healths[name] ?? .alive)
    }

    static var entries: [StreamEntry] {
        let variant = StreamVariant(
            rendition: .main, peakBandwidth: 5_000_000, averageBandwidth: 4_000_000, codecs: "avc1.64001f,mp4a.40.2",
            width: 1280, height: 720, frameRate: 30_000)
        return [
            StreamEntry(
                stream: stream("live/stage"), term: Term(number: 26, salt: 1), gateway: name("origin-eu-1"),
                standby: name("origin-eu-2"), region: eu, state: .live, publisher: 1, variants: [variant]),
            StreamEntry(
                stream: stream("live/demo"), term: Term(number: 27, salt: 2), gateway: name("origin-eu-2"),
                region: eu, state: .live, publisher: 2),
            StreamEntry(
                stream: stream("show/one"), term: Term(number: 28, salt: 3), gateway: name("origin-us-1"),
                standby: name("origin-us-2"), region: us, state: .absent, publisher: 3, variants: [variant]),
        ]
    }
}
