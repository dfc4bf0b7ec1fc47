// SPDX-License-Identifier: Apache-2.0

import Cluster
import Placement
import Testing

@Suite("An edge set")
struct EdgeSetTests {
    private let settings = PlacementSettings()

    @Test("has two edges for the first viewer, the first of the ranking, ready at once")
    func first() throws {
        let snapshot = try Nodes.edges(10).snapshot(of: "edge-1")
        var set = EdgeSet(stream: key(1))
        #expect(set.update(audience: viewers(1), use: 0.8, in: snapshot, settings: settings, now: .zero).isEmpty)
        #expect(set.edges == snapshot.edges.first(2, of: key(1)))
        #expect(set.ready(now: .zero) == set.edges)
    }

    @Test("grows by the next of the ranking, which gets viewers when it is warm or had its time")
    func growth() throws {
        let snapshot = try Nodes.edges(10).snapshot(of: "edge-1")
        let ranking = snapshot.edges.ranking(of: key(1))
        var set = EdgeSet(stream: key(1))
        _ = set.update(audience: viewers(1), use: 0.8, in: snapshot, settings: settings, now: .zero)
        let directives = set.update(
            audience: viewers(600), use: 0.8, in: snapshot, settings: settings, now: .seconds(1))
        let third = snapshot.edges.members[ranking[2]].id
        let fourth = snapshot.edges.members[ranking[3]].id
        #expect(directives == [.warm(third), .warm(fourth)])
        #expect(set.edges == Array(ranking.prefix(4)))
        #expect(set.ready(now: .seconds(1)) == Array(ranking.prefix(2)))
        set.warmed(fourth)
        #expect(set.ready(now: .seconds(1)) == [ranking[0], ranking[1], ranking[3]])
        #expect(set.ready(now: .seconds(3)) == Array(ranking.prefix(4)))
    }

    @Test(
        "holds its audience within the bound of its edges, however much is in use",
        arguments: [(0, 4), (0.2, 2), (0.8, 2), (1.2, 2)])
    func bound(use: Double, count: Int) throws {
        let snapshot = try Nodes.edges(10).snapshot(of: "edge-1")
        var set = EdgeSet(stream: key(1))
        _ = set.update(audience: viewers(100), use: use, in: snapshot, settings: settings, now: .zero)
        #expect(set.edges.count == count)
    }

    @Test("replaces a dead edge by the next, and only that one")
    func death() throws {
        var nodes = try Nodes.edges(10)
        let before = try nodes.snapshot(of: "edge-1")
        let ranking = names(before.edges.ranking(of: key(1)), of: before.edges)
        var set = EdgeSet(stream: key(1))
        _ = set.update(audience: viewers(1), use: 0.8, in: before, settings: settings, now: .zero)
        nodes.change(ranking[0]) { $0.health = .suspect }
        let suspected = try nodes.snapshot(of: "edge-1", version: 2)
        let directives = set.update(audience: viewers(1), use: 0.8, in: suspected, settings: settings, now: .seconds(1))
        #expect(directives == [.warm(try node(ranking[2]))])
        #expect(names(set.edges, of: suspected.edges) == Array(ranking.prefix(3)))
        nodes.change(ranking[0]) { $0.health = .dead }
        let dead = try nodes.snapshot(of: "edge-1", version: 3)
        #expect(set.update(audience: viewers(1), use: 0.8, in: dead, settings: settings, now: .seconds(2)).isEmpty)
        #expect(names(set.edges, of: dead.edges) == [ranking[1], ranking[2]])
    }

    @Test("is as small as the edges that are left, and grows when they come back")
    func few() throws {
        let (many, one) = (try Nodes.edges(10).snapshot(of: "edge-1"), try Nodes.edges(1).snapshot(of: "edge-1"))
        var set = EdgeSet(stream: key(1))
        _ = set.update(audience: viewers(1), use: 0.8, in: many, settings: settings, now: .zero)
        _ = set.update(audience: viewers(1), use: 0.8, in: one, settings: settings, now: .seconds(1))
        #expect(set.edges == [0])
        _ = set.update(audience: viewers(1), use: 0.8, in: many, settings: settings, now: .seconds(2))
        #expect(set.edges == many.edges.first(2, of: key(1)))
    }

    private func viewers(_ count: UInt64) -> Bandwidth { Bandwidth(kilobits: count * 2500) }
}
