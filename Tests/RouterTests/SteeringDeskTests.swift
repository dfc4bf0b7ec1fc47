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
    @Test("names the CDN and the emptiest other regions")
    func pathways() throws {
        let desk = steering(try view())
        let named = desk.pathways(of: try stream, token: "~t")
        #expect(named.map(\.id) == ["CDN", "REGION.south", "REGION.west"])
        #expect(named.map(\.base) == ["https://cdn", "http://south/~t", "http://west/~t"])
        #expect(steering(try view(), life: .zero).pathways(of: try stream, token: nil).isEmpty)
    }

    @Test("puts the edges first, then the CDN, then other regions")
    func order() throws {
        let manifest = steering(try view()).manifest(for: try stream, asked: try asked())
        #expect(manifest.priority == ["edge-0", "edge-1", "CDN", "REGION.west"])
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
        #expect(manifest.priority.suffix(2) == ["CDN", "REGION.west"])
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
        #expect(manifest.priority == ["edge-1", "CDN", "REGION.west", "edge-0"])
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

    private func router(_ view: ClusterView) -> RouterDesk {
        RouterDesk(
            view: view, regions: RegionChoice(),
            metrics: RouterMetrics(MetricRegistry(families: RouterMetrics.families)))
    }

    private func steering(_ view: ClusterView, _ router: RouterDesk? = nil, life: Duration = .seconds(10))
        -> SteeringDesk
    {
        SteeringDesk(
            desk: router ?? self.router(view), life: life,
            delivery: SteeringDesk.Delivery(base: { _ in "https://cdn" }, isUsed: { _ in false }),
            metrics: SteeringMetrics(MetricRegistry(families: SteeringMetrics.families)),
            isKnown: { $0.name != "nothing" }
        ) { 0 }
    }

    /// Four edges of a region and two other regions.
    private func view(
        dead: Set<String> = [], without gone: String? = nil, steering: [SteeringOrder] = []
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
                routers: ["http://\(name)"], doors: [], capacity: 1000, load: name == "west" ? 500 : 100)
        }
        return ClusterView(
            node: try #require(NodeID(parsing: "edge-0")), version: 1, members: members, streams: [:],
            regions: Dictionary(uniqueKeysWithValues: others.map { ($0.region, $0) }), steering: steering)
    }
}
