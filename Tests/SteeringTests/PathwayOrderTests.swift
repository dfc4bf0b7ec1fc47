// SPDX-License-Identifier: Apache-2.0

import Steering
import TestKit
import Testing

@Suite("The order of pathways")
struct PathwayOrderTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var pathways = [
            PathwayState(id: "a", kind: .edge, load: 0.4), PathwayState(id: "b", kind: .edge, load: 0.31),
            PathwayState(id: "REGION.west", kind: .region, load: 0.1), PathwayState(id: "CDN", kind: .cdn),
        ]
        var current: String?
        var isOffloaded = false
        let order: [String]
    }

    static let rows = [
        Row(testDescription: "edges, the CDN, other regions", order: ["b", "a", "CDN", "REGION.west"]),
        Row(testDescription: "the CDN first", isOffloaded: true, order: ["CDN", "b", "a", "REGION.west"]),
        Row(testDescription: "a viewer stays", current: "a", order: ["a", "b", "CDN", "REGION.west"]),
        Row(
            testDescription: "a viewer leaves what is much fuller",
            pathways: [PathwayState(id: "a", kind: .edge, load: 0.5), PathwayState(id: "b", kind: .edge, load: 0.3)],
            current: "a", order: ["b", "a"]),
        Row(
            testDescription: "a viewer at the CDN comes back", current: "CDN", order: ["b", "a", "CDN", "REGION.west"]),
        Row(
            testDescription: "the dead and those that drain are left out",
            pathways: [
                PathwayState(id: "a", kind: .edge, isOpen: false), PathwayState(id: "b", kind: .edge, load: 0.8),
            ], current: "a", order: ["b"]),
        Row(
            testDescription: "with nobody open all are tried",
            pathways: [
                PathwayState(id: "a", kind: .edge, isOpen: false), PathwayState(id: "R", kind: .region, isOpen: false),
            ], order: ["a", "R"]),
        Row(
            testDescription: "the full come last",
            pathways: [
                PathwayState(id: "a", kind: .edge, load: 0.95), PathwayState(id: "b", kind: .edge, load: 1.2),
                PathwayState(id: "R", kind: .region, load: 0.5), PathwayState(id: "CDN", kind: .cdn),
            ], order: ["CDN", "R", "a", "b"]),
        Row(
            testDescription: "who is there may stay until it is quite full",
            pathways: [PathwayState(id: "a", kind: .edge, load: 0.95), PathwayState(id: "CDN", kind: .cdn)],
            current: "a", order: ["a", "CDN"]),
    ]

    @Test("is", arguments: rows)
    func order(row: Row) {
        let order = PathwayOrder.order(row.pathways, current: row.current, isOffloaded: row.isOffloaded)
        #expect(order == row.order)
    }

    @Test(
        "has each pathway at most once, and moves nobody twice while nothing changes",
        arguments: 0..<100 as Range<UInt64>)
    func stable(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pathways = (0..<Int.random(in: 1...6, using: &random)).map { number in
            PathwayState(
                id: "p\(number)", kind: [.cdn, .edge, .region].randomElement(using: &random) ?? .edge,
                isOpen: Bool.random(using: &random), load: Double.random(in: 0...1.5, using: &random))
        }
        let isOffloaded = Bool.random(using: &random)
        let first = PathwayOrder.order(
            pathways, current: pathways.randomElement(using: &random)?.id, isOffloaded: isOffloaded)
        let there = try #require(first.first)
        #expect(Set(first).count == first.count, "seed \(seed)")
        #expect(
            PathwayOrder.order(pathways, current: there, isOffloaded: isOffloaded).first == there, "seed \(seed)")
    }

    @Test(
        "has what an operator wants first while it takes viewers, and what is to be left last",
        arguments: [
            ("CDN", [], ["CDN", "b", "a", "REGION.west"]), ("REGION.west", [], ["REGION.west", "b", "a", "CDN"]),
            ("a", [], ["a", "b", "CDN", "REGION.west"]), ("EDGE", ["CDN"], ["b", "a", "REGION.west", "CDN"]),
            (nil, ["EDGE"], ["CDN", "REGION.west", "b", "a"]), ("gone", [], ["b", "a", "CDN", "REGION.west"]),
            ("CDN", ["CDN"], ["CDN", "b", "a", "REGION.west"]),
            (nil, ["EDGE", "CDN", "REGION.west"], ["b", "a", "CDN", "REGION.west"]),
        ] as [(String?, Set<String>, [String])])
    func wanted(name: String?, left: Set<String>, order: [String]) {
        let pathways = Row(testDescription: "", order: []).pathways
        #expect(
            PathwayOrder.order(pathways, current: "a", isOffloaded: false, wanted: name, left: left).sorted()
                == order.sorted())
        #expect(PathwayOrder.order(pathways, current: nil, isOffloaded: false, wanted: name, left: left) == order)
        // However full; but nobody is sent to what takes nobody.
        let full = pathways.map { PathwayState(id: $0.id, kind: $0.kind, load: 1.5) }
        let closed = pathways.map { PathwayState(id: $0.id, kind: $0.kind, isOpen: $0.id != name) }
        guard let name, order.first == name else { return }
        #expect(PathwayOrder.order(full, current: nil, isOffloaded: false, wanted: name).first == name)
        #expect(!PathwayOrder.order(closed, current: nil, isOffloaded: false, wanted: name).contains(name))
    }
}
