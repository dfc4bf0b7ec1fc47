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
        var slow = SlowPathways()
        let order: [String]
    }

    static let rows = [
        Row(testDescription: "edges, other regions, the CDN", order: ["b", "a", "REGION.west", "CDN"]),
        Row(testDescription: "the CDN first", isOffloaded: true, order: ["CDN", "b", "a", "REGION.west"]),
        Row(testDescription: "a viewer stays", current: "a", order: ["a", "b", "REGION.west", "CDN"]),
        Row(
            testDescription: "a viewer leaves what is much fuller",
            pathways: [PathwayState(id: "a", kind: .edge, load: 0.5), PathwayState(id: "b", kind: .edge, load: 0.3)],
            current: "a", order: ["b", "a"]),
        Row(
            testDescription: "a viewer at the CDN comes back", current: "CDN", order: ["b", "a", "REGION.west", "CDN"]),
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
            ], order: ["R", "CDN", "a", "b"]),
        Row(
            testDescription: "who is there may stay until it is quite full",
            pathways: [PathwayState(id: "a", kind: .edge, load: 0.95), PathwayState(id: "CDN", kind: .cdn)],
            current: "a", order: ["a", "CDN"]),
    ]

    /// A far region with little to do, a near one with much, one of which nothing is known, the CDN, and an edge.
    private static func regions(near: Double = 0.8, edge: Double = 0.3) -> [PathwayState] {
        [
            PathwayState(id: "unknown", kind: .region, load: 0), PathwayState(id: "CDN", kind: .cdn),
            PathwayState(id: "far", kind: .region, load: 0.1, distance: 2),
            PathwayState(id: "near", kind: .region, load: near, distance: 0.1),
            PathwayState(id: "e", kind: .edge, load: edge),
        ]
    }

    static let places = [
        Row(
            testDescription: "its own region, then the nearest", pathways: regions(),
            order: ["e", "near", "far", "unknown", "CDN"]),
        Row(
            testDescription: "the CDN before regions however near", pathways: regions(), isOffloaded: true,
            order: ["CDN", "e", "near", "far", "unknown"]),
        Row(
            testDescription: "a near region without room comes last", pathways: regions(near: 0.9),
            order: ["e", "far", "unknown", "CDN", "near"]),
        Row(
            testDescription: "and who is there stays while there is some", pathways: regions(near: 0.95, edge: 0.9),
            current: "near", order: ["near", "far", "unknown", "CDN", "e"]),
        Row(
            testDescription: "who went far when the own was full comes home", pathways: regions(), current: "far",
            order: ["e", "near", "far", "unknown", "CDN"]),
        Row(
            testDescription: "an own region without room comes before others without",
            pathways: regions(near: 1, edge: 1),
            order: ["far", "unknown", "CDN", "e", "near"]),
        Row(
            testDescription: "equally far: by load, then as they are named",
            pathways: [
                PathwayState(id: "x", kind: .region, load: 0.5, distance: 1),
                PathwayState(id: "z", kind: .region, load: 0.4, distance: 1),
                PathwayState(id: "y", kind: .region, load: 0.4, distance: 1),
            ], order: ["z", "y", "x"]),
    ]

    private static func slow(_ measured: KeyValuePairs<String, UInt64>) -> SlowPathways {
        SlowPathways(measured.map { SlowPathways.Entry(id: $0.key, throughput: $0.value, requests: 3) })
    }

    static let measured = [
        Row(
            testDescription: "what was too slow comes behind all others", current: "b", slow: slow(["b": 100]),
            order: ["a", "REGION.west", "CDN", "b"]),
        Row(
            testDescription: "also the CDN while all go there", current: "CDN", isOffloaded: true,
            slow: slow(["CDN": 1]),
            order: ["b", "a", "REGION.west", "CDN"]),
        Row(
            testDescription: "of what was too slow the quickest first, and before what was not tried",
            slow: slow(["a": 300, "b": 200, "CDN": 900]), order: ["CDN", "a", "b", "REGION.west"]),
        Row(
            testDescription: "two show that the line is slow, whatever the stream is led to", current: "b",
            isOffloaded: true,
            slow: slow(["a": 300, "b": 290]), order: ["b", "a", "CDN", "REGION.west"]),
        Row(
            testDescription: "two show it where one of them is gone",
            pathways: [
                PathwayState(id: "a", kind: .edge, isOpen: false), PathwayState(id: "b", kind: .edge),
                PathwayState(id: "CDN", kind: .cdn),
            ], slow: slow(["a": 300, "b": 200]), order: ["b", "CDN"]),
        Row(
            testDescription: "but what is full is left for what was not tried",
            pathways: [
                PathwayState(id: "a", kind: .edge, load: 1), PathwayState(id: "b", kind: .edge, load: 1),
                PathwayState(id: "CDN", kind: .cdn),
            ], current: "a", slow: slow(["a": 300, "b": 200]), order: ["CDN", "a", "b"]),
        Row(
            testDescription: "with nothing better a viewer stays", current: "a",
            slow: slow(["a": 300, "b": 390, "CDN": 200, "REGION.west": 100]), order: ["a", "b", "CDN", "REGION.west"]),
        Row(
            testDescription: "unless another was a third quicker", current: "a",
            slow: slow(["a": 300, "b": 401, "CDN": 200, "REGION.west": 100]), order: ["b", "a", "CDN", "REGION.west"]),
        Row(
            testDescription: "what is full is no way out",
            pathways: [PathwayState(id: "a", kind: .edge, load: 0.5), PathwayState(id: "b", kind: .edge, load: 0.95)],
            current: "a", slow: slow(["a": 300]), order: ["a", "b"]),
        Row(
            testDescription: "slow and full is the last",
            pathways: [PathwayState(id: "a", kind: .edge, load: 1), PathwayState(id: "b", kind: .edge, load: 1.2)],
            current: "a", slow: slow(["a": 300]), order: ["b", "a"]),
        Row(
            testDescription: "names of nothing change nothing", slow: slow(["x": 1]),
            order: ["b", "a", "REGION.west", "CDN"]),
    ]

    @Test("is", arguments: rows + places + measured)
    func order(row: Row) {
        let order = PathwayOrder.order(
            row.pathways, current: row.current, isOffloaded: row.isOffloaded, slow: row.slow)
        #expect(order == row.order)
    }

    @Test("has an operator's word before what a player measured")
    func wantedAndSlow() {
        let order = PathwayOrder.order(
            Row(testDescription: "", order: []).pathways, current: "CDN", isOffloaded: false,
            slow: Self.slow(["CDN": 1]),
            wanted: "CDN")
        #expect(order.first == "CDN")
    }

    @Test(
        "has each pathway at most once, and moves nobody twice while nothing changes",
        arguments: 0..<100 as Range<UInt64>)
    func stable(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let pathways = (0..<Int.random(in: 1...6, using: &random)).map { number in
            PathwayState(
                id: "p\(number)", kind: [.cdn, .edge, .region].randomElement(using: &random) ?? .edge,
                isOpen: Bool.random(using: &random), load: Double.random(in: 0...1.5, using: &random),
                distance: Bool.random(using: &random) ? Double.random(in: 0...4, using: &random) : nil)
        }
        let slow = SlowPathways(
            pathways.filter { _ in Bool.random(using: &random) }.map {
                SlowPathways.Entry(id: $0.id, throughput: UInt64.random(in: 0...9, using: &random), requests: 9)
            })
        let isOffloaded = Bool.random(using: &random)
        let first = PathwayOrder.order(
            pathways, current: pathways.randomElement(using: &random)?.id, isOffloaded: isOffloaded, slow: slow)
        let there = try #require(first.first)
        #expect(Set(first).count == first.count, "seed \(seed)")
        #expect(
            PathwayOrder.order(pathways, current: there, isOffloaded: isOffloaded, slow: slow).first == there,
            "seed \(seed)")
    }

    @Test(
        "has what an operator wants first while it takes viewers, and what is to be left last",
        arguments: [
            ("CDN", [], ["CDN", "b", "a", "REGION.west"]), ("REGION.west", [], ["REGION.west", "b", "a", "CDN"]),
            ("a", [], ["a", "b", "REGION.west", "CDN"]), ("EDGE", ["CDN"], ["b", "a", "REGION.west", "CDN"]),
            (nil, ["EDGE"], ["REGION.west", "CDN", "b", "a"]), ("gone", [], ["b", "a", "REGION.west", "CDN"]),
            ("CDN", ["CDN"], ["CDN", "b", "a", "REGION.west"]),
            (nil, ["EDGE", "CDN", "REGION.west"], ["b", "a", "REGION.west", "CDN"]),
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
