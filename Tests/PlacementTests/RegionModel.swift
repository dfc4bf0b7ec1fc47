// SPDX-License-Identifier: Apache-2.0

import Cluster
import Identity
import Placement
import TestKit
import Testing

/// A region whose one router places viewers that stay.
struct RegionModel {
    let snapshot: PlacementSnapshot
    private let settings = PlacementSettings()
    private var loads = EdgeLoads()
    private var sets: [Int: EdgeSet] = [:]
    private var viewers: [Int]
    private var audiences: [Int: Int] = [:]
    private var served: Set<Int> = []

    init(_ nodes: Nodes) throws {
        snapshot = try nodes.snapshot(of: "edge-1")
        viewers = [Int](repeating: 0, count: snapshot.edges.count)
        loads.follow(snapshot.edges)
    }

    /// The largest share of viewers over the mean, by capacity.
    var ratio: Double {
        let capacity = snapshot.edges.members.reduce(0.0) { $0 + Double($1.description.capacity) }
        let mean = Double(viewers.reduce(0, +)) / capacity
        return zip(viewers, snapshot.edges.members).map { Double($0) / Double($1.description.capacity) }
            .reduce(0, max) / mean
    }

    /// How many streams all edges take, together.
    var copies: Int { served.count }

    /// How many edges the router wants for a stream.
    func edges(of stream: Int) -> Int { sets[stream]?.edges.count ?? 0 }

    /// One more viewer of a stream. All come in one moment, so that the router's own counts are all it has; it looks at
    /// the edge set at every 64th, as a router does once a second.
    mutating func watch(_ number: Int, using random: inout SeededRandom) throws {
        let stream = key(number)
        let count = audiences[number, default: 0] + 1
        audiences[number] = count
        var set = sets[number] ?? EdgeSet(stream: stream)
        if count & 63 == 1 {
            let audience = Bandwidth(kilobits: UInt64(count) * settings.viewerBandwidth.kilobits)
            for case .warm(let node) in set.update(
                audience: audience, use: loads.use, in: snapshot, settings: settings, now: .zero)
            {
                set.warmed(node)
            }
            sets[number] = set
        }
        let session = ViewerID.random(using: &random)
        let ready = set.ready(now: .zero)
        let placement = try #require(loads.place(session, of: stream, in: ready, of: snapshot.edges))
        loads.assign(stream, to: placement.first, now: .zero)
        viewers[placement.first] += 1
        served.insert(number << 16 | placement.first)
    }
}

/// Streams of which the n-th has an audience in proportion to n to the power of −exponent.
struct Zipf {
    private let bounds: [Double]

    init(count: Int, exponent: Double) {
        var sum = 0.0
        bounds = (1...count).map { rank in
            sum += 1 / power(Double(rank), exponent)
            return sum
        }
    }

    func pick(using random: inout SeededRandom) -> Int {
        let point = Double.random(in: 0..<(bounds.last ?? 1), using: &random)
        return bounds.firstIndex { $0 > point } ?? 0
    }
}

/// A power by ten square roots, near enough for an audience.
private func power(_ base: Double, _ exponent: Double) -> Double {
    var (result, root, rest) = (1.0, base, exponent)
    for _ in 0..<10 {
        if rest >= 1 {
            result *= root
            rest -= 1
        }
        root = root.squareRoot()
        rest *= 2
    }
    return result
}
