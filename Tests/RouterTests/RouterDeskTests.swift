// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import Router
import Telemetry
import Testing

@Suite("A router")
struct RouterDeskTests {
    @Test("has an edge take a stream before it sends viewers there")
    func warming() throws {
        let stream = try StreamID(parsing: "live/show")
        let desk = desk(try view(1, edges: 3))
        _ = desk.route(ViewerID(number: 1), to: stream, from: ViewerOrigin(), mayLeave: true)
        let first = desk.edgeSet(of: stream)
        #expect(first.count == 2 && first.allSatisfy(\.isReady))
        #expect(desk.takeWarmings().isEmpty)
        desk.follow(try view(2, edges: 3, without: try #require(first.first).node))
        desk.tick()
        let wanted = desk.takeWarmings()
        #expect(wanted.map(\.stream) == [stream])
        let fresh = try #require(wanted.first).edge.id
        #expect(!first.map(\.node).contains(fresh))
        #expect(desk.edgeSet(of: stream).first { $0.node == fresh }?.isReady == false)
        desk.warmed(stream, fresh)
        #expect(desk.edgeSet(of: stream).allSatisfy { $0.isReady })
        #expect(desk.takeWarmings().isEmpty)
    }

    @Test("sends nobody anywhere while no edge is there, and serves by itself where it is the only one")
    func alone() throws {
        let stream = try StreamID(parsing: "live/show")
        let nobody = desk(try view(1, edges: 0))
        guard case .nowhere = nobody.route(ViewerID(number: 1), to: stream, from: ViewerOrigin(), mayLeave: true) else {
            Issue.record("somewhere")
            return
        }
        let single = desk(try view(1, edges: 1))
        guard case .here = single.route(ViewerID(number: 1), to: stream, from: ViewerOrigin(), mayLeave: true) else {
            Issue.record("elsewhere")
            return
        }
    }

    @Test("believes the loads of its region's edges alone")
    func reports() throws {
        let desk = desk(try view(1, edges: 2))
        for name in ["edge-0", "stranger"] {
            desk.receive(
                LoadReport(
                    node: try #require(NodeID(parsing: name)), sequence: 1, egress: 1, processor: 0, viewers: 0,
                    streams: []))
        }
        #expect(desk.reports.map(\.node.description) == ["edge-0"])
    }

    private func desk(_ view: ClusterView) -> RouterDesk {
        RouterDesk(
            view: view, regions: RegionChoice(),
            metrics: RouterMetrics(MetricRegistry(families: RouterMetrics.families)))
    }

    /// Edges `edge-0` and so on, the first of which has the view.
    private func view(_ version: UInt64, edges: Int, without gone: NodeID? = nil) throws -> ClusterView {
        let members = try (0..<edges).map { number in
            let id = try #require(NodeID(parsing: "edge-\(number)"))
            let description = NodeDescription(
                id: id, roles: [.edge, .router], gossip: Endpoint(address: .v4(UInt32(number)), port: 1),
                viewerURL: "http://edge-\(number)")
            return Member(description: description, incarnation: 1, health: id == gone ? .dead : .alive)
        }
        return ClusterView(
            node: try #require(NodeID(parsing: "edge-0")), version: version, members: members, streams: [:],
            regions: [:])
    }
}
