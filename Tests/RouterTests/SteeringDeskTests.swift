// SPDX-License-Identifier: Apache-2.0

import Cluster
import HLS
import Identity
import Media
import Placement
import Router
import Telemetry
import Testing
import Transport

@Suite("Steering in a cluster")
struct SteeringDeskTests {
    @Test("names other regions, the emptiest first, and the CDN")
    func pathways() throws {
        let desk = steering(try view())
        let named = desk.pathways(of: try stream, token: "~t")
        #expect(named.map(\.id) == ["REGION.south", "REGION.west", "CDN"])
        #expect(named.map(\.base) == ["http://south/~t", "http://west/~t", "https://cdn"])
        #expect(steering(try view(), life: .zero).pathways(of: try stream, token: nil).isEmpty)
    }

    @Test("puts the nearest of other regions first where it is known where they are, unless it is full")
    func near() throws {
        let places = try ["local": 0.0, "west": -20, "south": -90].map { name, longitude in
            (try #require(Region(parsing: name)), try #require(GeographicPoint(latitude: 0, longitude: longitude)))
        }
        let choice = RegionChoice(places: Dictionary(uniqueKeysWithValues: places))
        func named(_ view: ClusterView) throws -> [String] {
            steering(view, router(view, choice)).pathways(of: try stream, token: nil).map(\.id)
        }
        #expect(try named(try view()) == ["REGION.west", "REGION.south", "CDN"])
        #expect(try named(try view(west: 900)) == ["REGION.south", "REGION.west", "CDN"])
        let query = SteeringQuery(parsing: Array("at=REGION.south,CDN,REGION.west,edge-0".utf8))
        func priority(_ view: ClusterView) throws -> [String] {
            steering(view, router(view, choice)).manifest(for: try stream, asked: query).priority
        }
        #expect(try priority(try view()) == ["edge-0", "REGION.west", "REGION.south", "CDN"])
        #expect(try priority(try view(west: 900)) == ["edge-0", "REGION.south", "CDN", "REGION.west"])
    }

    @Test("leads a player away from where it measures too little, and not back at once")
    func throughput() throws {
        let desk = steering(try view(), need: 1_000_000)
        func ask(_ reload: String?, _ pathway: String, _ measured: Int) throws -> SteeringManifest {
            let query = try #require(reload?.split(separator: "?").last)
            let said = "\(query)&_HLS_pathway=\(pathway)&_HLS_throughput=\(measured)"
            return desk.manifest(for: try stream, asked: SteeringQuery(parsing: Array(said.utf8)))
        }
        let others = ["edge-1", "REGION.west", "CDN"]
        // Who has just come guesses.
        var manifest = try ask("?at=edge-0,edge-1,CDN,REGION.west", "edge-0", 500_000)
        #expect(manifest.priority == ["edge-0"] + others)
        manifest = try ask(manifest.reload, "edge-0", 800_000)
        #expect(manifest.priority == ["edge-0"] + others)
        manifest = try ask(manifest.reload, "edge-0", 500_000)
        #expect(manifest.priority == others + ["edge-0"])
        // What was measured elsewhere says nothing of where the player has come to.
        manifest = try ask(manifest.reload, "edge-1", 500_000)
        #expect(manifest.priority == others + ["edge-0"])
        manifest = try ask(manifest.reload, "edge-1", 5_000_000)
        #expect(manifest.priority == others + ["edge-0"])
        // Until it has been forgotten.
        var count = 0
        while manifest.priority.first == "edge-1", count < 100 {
            manifest = try ask(manifest.reload, "edge-1", 5_000_000)
            if !(manifest.reload ?? "").contains("slow=") { break }
            count += 1
        }
        #expect((20...30).contains(count))
    }

    @Test("leads a player on a slow line to the better of two pathways, and through no others")
    func slowLine() throws {
        let desk = steering(try view(), need: 1_000_000)
        let speeds = ["edge-0": 300_000, "edge-1": 200_000, "REGION.west": 200_000, "CDN": 500_000]
        var (reload, pathway, went) = ("?at=edge-0,edge-1,CDN,REGION.west", "edge-0", ["edge-0"])
        for _ in 0..<20 {
            let query = try #require(reload.split(separator: "?").last)
            let said = "\(query)&_HLS_pathway=\(pathway)&_HLS_throughput=\(speeds[pathway] ?? 0)"
            let manifest = desk.manifest(for: try stream, asked: SteeringQuery(parsing: Array(said.utf8)))
            reload = try #require(manifest.reload)
            pathway = try #require(manifest.priority.first)
            if went.last != pathway { went.append(pathway) }
        }
        #expect(went == ["edge-0", "edge-1", "edge-0"])
    }

    @Test("puts the edges first, then other regions, then the CDN")
    func order() throws {
        let manifest = steering(try view()).manifest(for: try stream, asked: try asked())
        #expect(manifest.priority == ["edge-0", "edge-1", "REGION.west", "CDN"])
        #expect(manifest.clones.isEmpty)
    }

    @Test("leaves out what is dead, drains or is gone")
    func gone() throws {
        let view = try view(dead: ["edge-0"], without: "west")
        #expect(steering(view).manifest(for: try stream, asked: try asked()).priority == ["edge-1", "CDN"])
    }

    @Test("has other edges stand in where none that is named takes viewers")
    func clones() throws {
        let view = try view(dead: ["edge-0", "edge-1"])
        let manifest = steering(view).manifest(for: try stream, asked: try asked())
        #expect(Set(manifest.clones.map(\.id)) == ["edge-2", "edge-3"])
        #expect(manifest.clones.allSatisfy { $0.base == "edge-0" && $0.host == "\($0.id):8080" })
        #expect(Set(manifest.priority.prefix(2)) == ["edge-2", "edge-3"])
        #expect(manifest.priority.suffix(2) == ["REGION.west", "CDN"])
    }

    @Test("leads away from an edge that is full")
    func full() throws {
        let view = try view()
        let router = router(view)
        router.receive(
            LoadReport(
                node: try #require(NodeID(parsing: "edge-0")), sequence: 1, egress: 1_100_000_000, processor: 100,
                viewers: 1, streams: []))
        let manifest = steering(view, router).manifest(for: try stream, asked: try asked())
        #expect(manifest.priority == ["edge-1", "REGION.west", "CDN", "edge-0"])
    }

    @Test("counts who is at the CDN, of streams that there are")
    func audiences() throws {
        let desk = steering(try view())
        for pathway in ["CDN", "CDN", "edge-0"] {
            for name in ["live/show", "live/nothing"] {
                let query = SteeringQuery(parsing: Array("at=CDN,CDN,edge-0&_HLS_pathway=\(pathway)".utf8))
                #expect(query.named == ["CDN", "edge-0"])
                let manifest = desk.manifest(for: try StreamID(parsing: name), asked: query)
                #expect(manifest.priority.contains("CDN") == (name == "live/show"))
            }
        }
        let other = SteeringQuery(parsing: Array("at=edge-0&_HLS_pathway=edge-0".utf8))
        _ = desk.manifest(for: try StreamID(parsing: "live/other"), asked: other)
        #expect(desk.audiences == [try stream: 2, try StreamID(parsing: "live/other"): 0])
    }

    @Test("leads a share of an audience where an operator wants it, the same viewers at every router")
    func shares() throws {
        let view = try view(steering: [order(of: try stream, "CDN", 30), order(of: nil, "REGION.west", 50)])
        let (one, other) = (steering(view), steering(view))
        var there: [String?: Int] = [:]
        for viewer in 0..<2000 as Range<UInt64> {
            let number = SteeringDesk.number(of: ViewerID(number: viewer))
            let manifest = one.manifest(for: try stream, asked: try asked(), viewer: number)
            #expect(manifest == other.manifest(for: try stream, asked: try asked(), viewer: number))
            there[manifest.priority.first, default: 0] += 1
        }
        #expect(abs((there["CDN"] ?? 0) - 600) < 80 && there["REGION.west"] == nil)
        // A stream without an order of its own has that about all.
        let others = (0..<2000 as Range<UInt64>).count { viewer in
            let number = SteeringDesk.number(of: ViewerID(number: viewer))
            let manifest = try? one.manifest(for: StreamID(parsing: "live/other"), asked: asked(), viewer: number)
            return manifest?.priority.first == "REGION.west"
        }
        #expect(abs(others - 1000) < 100)
        #expect(one.manifest(for: try stream, asked: try asked()).priority.first == "edge-0")
    }

    @Test("heeds no order that has ended, or was taken back")
    func ended() throws {
        let view = try view(
            steering: [
                order(of: try stream, "CDN", 100, for: -1),
                SteeringOrder(stream: nil, time: 1, expires: .max, shares: []),
            ])
        let desk = steering(view)
        #expect(desk.steeringOrders.isEmpty)
        #expect(desk.manifest(for: try stream, asked: try asked(), viewer: 7).priority.first == "edge-0")
    }

    /// A share that counts for so many minutes.
    private func order(of stream: StreamID?, _ pathway: String, _ percent: UInt8, for minutes: Int64 = 10)
        -> SteeringOrder
    {
        let now = SystemClock.wall().milliseconds
        return SteeringOrder(
            stream: stream, time: UInt64(now), expires: UInt64(now + minutes * 60_000),
            shares: [PathwayShare(pathway: pathway, percent: percent)].compactMap { $0 })
    }

    private var stream: StreamID { get throws { try StreamID(parsing: "live/show") } }

    private func asked() throws -> SteeringQuery {
        SteeringQuery(parsing: Array("at=edge-0,edge-1,CDN,REGION.west&_HLS_pathway=\"edge-0\"&_HLS_throughput=1".utf8))
    }

    private func router(_ view: ClusterView, _ regions: RegionChoice = RegionChoice()) -> RouterDesk {
        RouterDesk(
            view: view, regions: regions,
            metrics: RouterMetrics(MetricRegistry(families: RouterMetrics.families)))
    }

    private func steering(
        _ view: ClusterView, _ router: RouterDesk? = nil, life: Duration = .seconds(10), need: UInt64? = nil
    ) -> SteeringDesk {
        SteeringDesk(
            desk: router ?? self.router(view), life: life,
            delivery: SteeringDesk.Delivery(base: { _ in "https://cdn" }, isUsed: { _ in false }),
            metrics: SteeringMetrics(MetricRegistry(families: SteeringMetrics.families)),
            isKnown: { $0.name != "nothing" }, need: { _ in need }
        ) { 0 }
    }

    /// Four edges of a region and two other regions.
    private func view(
        dead: Set<String> = [], without gone: String? = nil, west: UInt16 = 500, steering: [SteeringOrder] = []
    ) throws -> ClusterView {
        let members = try (0..<4).map { number in
            let id = try #require(NodeID(parsing: "edge-\(number)"))
            let description = NodeDescription(
                id: id, roles: [.edge, .router], gossip: Endpoint(address: .v4(UInt32(number)), port: 1),
                viewerURL: "http://edge-\(number):8080")
            return Member(
                description: description, incarnation: 1, health: dead.contains(id.description) ? .dead : .alive)
        }
        let others = try ["west", "south"].filter { $0 != gone }.map { name in
            RegionSummary(
                region: try #require(Region(parsing: name)), speaker: try #require(NodeID(parsing: name)), time: 1,
                routers: ["http://\(name)"], doors: [], capacity: 1000, load: name == "west" ? west : 100)
        }
        return ClusterView(
            node: try #require(NodeID(parsing: "edge-0")), version: 1, members: members, streams: [:],
            regions: Dictionary(uniqueKeysWithValues: others.map { ($0.region, $0) }), steering: steering)
    }
}
