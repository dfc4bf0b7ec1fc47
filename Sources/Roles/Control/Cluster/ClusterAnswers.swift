// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Media

// The answers about the cluster as a whole, as Resources/openapi.json says them.

struct ClusterAnswer: Encodable {
    let node: String
    let region: String
    let clustered: Bool
    let health: String
    let problems: [String]
    let members: MemberCounts
    let streams: StreamCounts
    let viewers: OrNull<Int>
    let regions: [RegionStatus]

    init(_ view: ClusterView, isClustered: Bool, audience: ClusterAudience) {
        let own = view.member(view.node)?.description.region ?? .local
        node = view.node.description
        region = own.description
        clustered = isClustered
        problems = view.problems
        health = problems.isEmpty ? "good" : "degraded"
        members = MemberCounts(view.members)
        streams = StreamCounts(
            live: view.streams.values.count { $0.state == .live },
            absent: view.streams.values.count { $0.state == .absent })
        viewers = OrNull(audience.total)
        let known = Set(view.members.map(\.description.region)).union(view.regions.keys).union([own])
        regions = known.sorted().map { name in
            RegionStatus(
                name, isOwn: name == own, members: view.members.filter { $0.description.region == name },
                summary: view.regions[name], audience: audience)
        }
    }

    struct MemberCounts: Encodable {
        let alive: Int
        let suspect: Int
        let dead: Int
        let left: Int
        let draining: Int

        init(_ members: [Member]) {
            alive = members.count { $0.health == .alive }
            suspect = members.count { $0.health == .suspect }
            dead = members.count { $0.health == .dead }
            left = members.count { $0.health == .left }
            draining = members.count { $0.health <= .suspect && $0.description.isDraining }
        }
    }

    struct StreamCounts: Encodable {
        let live: Int
        let absent: Int
    }
}

/// A region: counted where its members are known, else as its ambassadors sum it up.
struct RegionStatus: Encodable {
    let name: String
    let own: Bool
    let members: OrNull<Int>
    let capacity: OrNull<UInt64>
    let load: OrNull<Double>
    let routers: [String]
    let doors: [String]
    let heardAt: OrNull<String>

    init(_ region: Region, isOwn: Bool, members: [Member], summary: RegionSummary?, audience: ClusterAudience) {
        let present = members.filter { $0.health <= .suspect }
        let edges = present.filter { $0.description.roles.contains(.edge) }
        let counted = edges.reduce(UInt64(0)) { $0 + ($1.description.bitsPerSecond ?? 0) }
        let reports = edges.compactMap { audience.load(of: $0.id) }
        let egress = reports.reduce(0.0) { $0 + Double($1.egress) }
        let told = summary.map { UInt64($0.capacity) * 1_000_000 } ?? 0
        name = region.description
        own = isOwn
        self.members = OrNull(members.isEmpty ? nil : present.count)
        let capacity = edges.isEmpty ? told : counted
        self.capacity = OrNull(capacity == 0 ? nil : capacity)
        let measured = reports.isEmpty || counted == 0 ? nil : egress / Double(counted)
        load = OrNull(measured ?? summary.map { Double($0.load) / 1000 })
        let here = present.filter { $0.description.roles.contains(.router) }.map(\.description.viewerURL)
        routers = members.isEmpty ? summary?.routers ?? [] : here.filter { !$0.isEmpty }
        doors = summary?.doors.map(\.node.description) ?? []
        heardAt = OrNull(summary.map { WallTime(milliseconds: Int64(clamping: $0.time)).description })
    }
}

struct EventList: Encodable {
    let events: [EventStatus]
    let newest: UInt64

    /// `newest` is what to ask after next.
    init(_ events: [ClusterEvent], after number: UInt64) {
        self.events = events.map(EventStatus.init)
        newest = events.last?.number ?? number
    }
}

struct EventStatus: Encodable {
    let number: UInt64
    let time: String
    let kind: String
    let subject: String
    let state: String
    let gateway: OrNull<String>

    init(_ event: ClusterEvent) {
        number = event.number
        time = event.time.description
        switch event.change {
        case .member(let node, let health, let isDraining):
            kind = "member"
            subject = node.description
            state = health == .alive && isDraining ? "draining" : health.name
            gateway = OrNull(nil)
        case .stream(let stream, let phase, let gateway):
            kind = "stream"
            subject = stream.description
            state = phase.name
            self.gateway = OrNull(gateway.description)
        }
    }
}

struct DrainAnswer: Encodable {
    let node: String
    let state = "draining"
    let deadline: Int64
}

struct KeyList: Encodable {
    let keys: [KeyStatus]
}

struct KeyStatus: Encodable {
    let key: String
    let inUse: Bool
}

struct KeyAnswer: Encodable {
    let key: String
    let verb: String
}
