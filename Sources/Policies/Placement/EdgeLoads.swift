// SPDX-License-Identifier: Apache-2.0

public import Cluster
import Identity

/// What a router believes of the load of its region's edges: what they report, and what it sent them since.
///
/// A viewer shows in reports a second or two after its assignment. Until then the router counts it itself, or all
/// routers would rush to the edge that was emptiest in the last report. What is counted so fades with a half-life of a
/// second. A second count of assignments, which fades with a half-life of a minute, holds against edges that lie: see
/// ``load(of:)``.
public struct EdgeLoads: Sendable {
    let settings: PlacementSettings
    private var nodes: [NodeID: Int] = [:]
    private var edges: [Edge] = []
    private var workers: (load: Double, assigned: Double, capacity: Double) = (0, 0, 0)
    private var faded: Duration?
    private var audiences: [RankingKey: Double] = [:]
    private var rush: [RankingKey: Double] = [:]

    /// Loads of no edge.
    public init(settings: PlacementSettings = PlacementSettings()) { self.settings = settings }

    /// Takes a new view. What is known of edges that stay is kept; one that was born again begins anew.
    public mutating func follow(_ candidates: Candidates) {
        let before = (nodes: nodes, edges: edges)
        edges = candidates.members.map { member in
            let known = before.nodes[member.id].map { before.edges[$0] }
            var edge = known ?? Edge()
            if edge.incarnation >> 8 != member.incarnation >> 8 { edge = Edge() }
            edge.incarnation = member.incarnation
            edge.capacity = Double(member.description.capacity) * 1000
            edge.takesWork = member.takesWork
            return edge
        }
        nodes = Dictionary(uniqueKeysWithValues: candidates.members.enumerated().map { ($1.id, $0) })
        audiences = [:]
        for audience in edges.lazy.flatMap(\.audiences) { count(audience, 1) }
        add()
    }

    /// Takes a report. One of an unknown node, or an older one, changes nothing.
    public mutating func receive(_ report: LoadReport, now: Duration) {
        fade(to: now)
        guard let index = nodes[report.node] else { return }
        if let last = edges[index].sequence, report.sequence <= last { return }
        for audience in edges[index].audiences { count(audience, -1) }
        edges[index].sequence = report.sequence
        edges[index].reported = Double(report.egress) / 1000
        edges[index].processor = Double(report.processor) / 1000
        edges[index].audiences = report.streams
        for audience in report.streams { count(audience, 1) }
        add()
    }

    /// Counts a viewer that the router sends to an edge.
    public mutating func assign(_ stream: RankingKey, to index: Int, now: Duration) {
        fade(to: now)
        let bandwidth = Double(settings.viewerBandwidth.kilobits)
        edges[index].pending += bandwidth
        edges[index].assigned += bandwidth
        if edges[index].takesWork {
            workers.load += bandwidth
            workers.assigned += bandwidth
        }
        rush[stream, default: 0] += bandwidth
    }

    /// What the viewers of a stream in the region are sent, or will be in a moment.
    public func audience(of stream: RankingKey) -> Bandwidth {
        let total = (audiences[stream] ?? 0) + (rush[stream] ?? 0)
        return Bandwidth(kilobits: UInt64(min(max(total, 0), 1e15)))
    }

    /// How much of the region's edges is in use, 0 to 1 and over; 1 where there is none.
    public var use: Double { workers.capacity > 0 ? workers.load / workers.capacity : 1 }
}

extension EdgeLoads {
    /// The load of an edge as it is believed, in parts of its capacity.
    ///
    /// An edge that reports next to nothing would draw all viewers. But viewers stay about as long on one edge as on
    /// another, so that load and assignments have the same ratio everywhere. So no edge is believed to have less than half
    /// of what its assignments would make on the others.
    public func load(of index: Int) -> Double {
        let edge = edges[index]
        let (load, assigned) = (workers.load - edge.load, workers.assigned - edge.assigned)
        let likely = assigned > 0 ? load / assigned * edge.assigned : 0
        return max(edge.load, likely / 2) / edge.capacity
    }

    /// Whether an edge should get no more viewers while another may: with one more it would have over 1.25 times the mean.
    func isOver(_ index: Int) -> Bool {
        let viewer = Double(settings.viewerBandwidth.kilobits) / edges[index].capacity
        return load(of: index) + viewer > max(settings.bound * use, settings.idle)
    }

    /// Whether an edge has no room for one more viewer.
    func isFull(_ index: Int) -> Bool {
        let edge = edges[index]
        return edge.processor >= settings.full
            || edge.load + Double(settings.viewerBandwidth.kilobits) > settings.full * edge.capacity
    }

    /// Whether it takes work and is neither over the bound nor full.
    func hasRoom(_ index: Int) -> Bool { edges[index].takesWork && !isFull(index) && !isOver(index) }

    /// Whether it takes work.
    func takesWork(_ index: Int) -> Bool { edges[index].takesWork }

    /// The edges that take work.
    var working: [Int] { edges.indices.filter { edges[$0].takesWork } }
}

extension EdgeLoads {
    private mutating func count(_ audience: StreamAudience, _ sign: Double) {
        let reported = Double(audience.kilobits)
        let viewers = Double(audience.viewers) * Double(settings.viewerBandwidth.kilobits)
        let total = (audiences[audience.key] ?? 0) + sign * (reported > 0 ? reported : viewers)
        audiences[audience.key] = total > 0 ? total : nil
    }

    /// Adds up the edges that take work.
    private mutating func add() {
        workers = edges.reduce(into: (0, 0, 0)) { total, edge in
            guard edge.takesWork else { return }
            total.load += edge.load
            total.assigned += edge.assigned
            total.capacity += edge.capacity
        }
    }

    /// Lets counts fade in steps of a quarter of a second, by constant factors, so that no power is computed.
    private mutating func fade(to now: Duration) {
        guard let last = faded else {
            faded = now
            return
        }
        let steps = (now - last) / Self.step
        guard steps >= 1 else { return }
        let whole = Int(min(steps, 1e4))
        faded = steps > 1e4 ? now : last + Self.step * whole
        let (quick, slow) = (Self.power(Self.quick, whole), Self.power(Self.slow, whole))
        for index in edges.indices {
            edges[index].pending *= quick
            edges[index].assigned *= slow
        }
        rush = rush.mapValues { $0 * quick }.filter { $0.value > 1 }
        add()
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        (0..<exponent).reduce(1) { product, _ in product * base }
    }

    private static let step: Duration = .milliseconds(250)
    /// One half to the power of a quarter: half in a second.
    private static let quick = 0.8408964152537145
    /// One half to the power of 1/240: half in a minute.
    private static let slow = 0.9971160552459908

    /// One edge; all rates in kbit/s.
    private struct Edge {
        var incarnation: UInt64 = 0
        var sequence: UInt64?
        var capacity = 1.0
        var takesWork = false
        var reported = 0.0
        var processor = 0.0
        var pending = 0.0
        var assigned = 0.0
        var audiences: [StreamAudience] = []

        var load: Double { reported + pending }
    }
}
