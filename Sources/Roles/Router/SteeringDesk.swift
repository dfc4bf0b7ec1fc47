// SPDX-License-Identifier: Apache-2.0

public import Cluster
public import HLS
public import Identity
import Media
import Placement
import Steering
import Synchronization
import Telemetry
import Transport

/// Knows by which pathways a stream can be had, and in which order a viewer is to try them. Any thread may call.
public final class SteeringDesk: Sendable {
    /// Where a CDN has a stream: scheme, host and what lets viewers in, without a slash at the end; nil where it may not
    /// have it. And whether viewers are to fetch there now.
    public struct Delivery: Sendable {
        let base: @Sendable (StreamID) -> String?
        let isUsed: @Sendable (StreamID) -> Bool
        let isOffered: Bool

        /// A CDN.
        public init(base: @escaping @Sendable (StreamID) -> String?, isUsed: @escaping @Sendable (StreamID) -> Bool) {
            self.init(base: base, isUsed: isUsed, isOffered: true)
        }

        private init(
            base: @escaping @Sendable (StreamID) -> String?, isUsed: @escaping @Sendable (StreamID) -> Bool,
            isOffered: Bool
        ) {
            self.base = base
            self.isUsed = isUsed
            self.isOffered = isOffered
        }

        /// No CDN.
        public static let none = Delivery(base: { _ in nil }, isUsed: { _ in false }, isOffered: false)
    }

    let metrics: SteeringMetrics
    private let desk: RouterDesk?
    private let life: Duration
    private let delivery: Delivery
    private let isKnown: @Sendable (StreamID) -> Bool
    private let need: @Sendable (StreamID) -> UInt64?
    private let ownLoad: @Sendable () -> Double
    private let askers = Mutex<[StreamID: Askers]>([:])
    /// What was ordered of audiences on a node that is alone.
    private let orders = Mutex<[StreamID?: SteeringOrder]>([:])
    /// What became of shares, which is the same for all viewers.
    private let audiencesByShares = Mutex<[[PathwayShare]: AudienceShares]>([:])

    /// - Parameters:
    ///   - desk: what is known of the cluster; nil on a node that is alone.
    ///   - life: when viewers are to ask again, in whole seconds; zero for no steering.
    ///   - isKnown: whether a stream is live, here or as far as is known: names of nothing cost nothing.
    ///   - need: what a player must get to play a stream, in bits a second (`SlowPathways.need`); nil where it is not known.
    ///   - ownLoad: how much of this node is in use.
    public init(
        desk: RouterDesk?, life: Duration, delivery: Delivery, metrics: SteeringMetrics,
        isKnown: @escaping @Sendable (StreamID) -> Bool, need: @escaping @Sendable (StreamID) -> UInt64?,
        ownLoad: @escaping @Sendable () -> Double
    ) {
        self.desk = desk
        self.life = life
        self.delivery = delivery
        self.metrics = metrics
        self.isKnown = isKnown
        self.need = need
        self.ownLoad = ownLoad
    }

    /// Of each stream of which viewers asked here lately, how many were at the CDN when they did.
    public var audiences: [StreamID: Int] {
        let now = SystemClock.now()
        return askers.withLock { askers in
            askers = askers.filter { now - $0.value.asked < life * 2 }
            return askers.mapValues { $0.count(now: now, life: life) }
        }
    }
}

// MARK: - Pathways

extension SteeringDesk {
    /// The pathways of a stream beside the edges of this region: at most two other regions, those with room first, of these the
    /// nearest, then the CDN.
    /// - Parameter token: the path component by which nodes know the viewer; nil where it has none.
    public func pathways(of stream: StreamID, token: String?) -> [MultivariantPlaylist.Pathway] {
        guard life > .zero else { return [] }
        var pathways: [MultivariantPlaylist.Pathway] = []
        for region in nearRegions.prefix(2) {
            guard let router = region.routers.first else { continue }
            let base = token.map { "\(router)/\($0)" } ?? router
            pathways.append(.init(id: Self.region + region.region.description, base: base))
        }
        if let base = deliveryBase(stream) { pathways.append(.init(id: Self.cdn, base: base)) }
        return pathways
    }

    /// What a viewer is told that names the pathways of its playlist and the one that it uses.
    /// - Parameter viewer: a number of the viewer that stays, evenly spread, by which shares of an audience are told apart; nil
    ///   for a viewer who belongs to none.
    public func manifest(
        for stream: StreamID, asked query: SteeringQuery, viewer: UInt64? = nil
    ) -> SteeringManifest {
        note(query, of: stream)
        let slow = slow(query, of: stream)
        var states = query.named.map { state($0, of: stream) }
        let clones = states.contains { $0.kind == .edge && $0.isOpen } ? [] : clones(query.named, of: stream)
        states += clones.map { state($0.id, of: stream) }
        let order = priority(of: states, for: stream, current: query.pathway, viewer: viewer, slow: slow)
        metrics.answered(states.first { $0.id == order.first }?.kind)
        let carried = slow.entries.map {
            SteeringQuery.Slow(pathway: $0.id, throughput: $0.throughput, requests: $0.requests)
        }
        return SteeringManifest(life: life, priority: order, clones: clones, reload: query.reload(slow: carried))
    }

    /// What was too slow for a player. It has measured a pathway when it has been there for as long as a manifest lives: who has
    /// just come says what it measured elsewhere, or what it guesses.
    private func slow(_ query: SteeringQuery, of stream: StreamID) -> SlowPathways {
        var slow = SlowPathways(
            query.slow.map { .init(id: $0.pathway, throughput: $0.throughput, requests: $0.requests) })
        let measured = query.pathway == query.former ? query.throughput : nil
        if slow.follow(query.pathway, measured: measured, need: measured == nil ? nil : need(stream)) {
            metrics.slow.add()
        }
        return slow
    }

    /// The other regions, those with room first, and of these the nearest.
    private var nearRegions: [RegionSummary] {
        guard let desk else { return [] }
        let places = desk.snapshot.view.regions.values.map { (summary: $0, state: state($0, at: desk)) }
        return places.sorted { left, right in
            let (one, other) = (left.state, right.state)
            guard one.isFull == other.isFull else { return other.isFull }
            let (near, far) = (one.distance ?? .infinity, other.distance ?? .infinity)
            return (near, one.load, one.id) < (far, other.load, other.id)
        }.map(\.summary)
    }

    /// Pathways in the order in which a viewer who begins now is to try them.
    func ordered(
        _ pathways: [MultivariantPlaylist.Pathway], of stream: StreamID, for session: ViewerID
    ) -> [MultivariantPlaylist.Pathway] {
        let states = pathways.map { state($0.id, of: stream) }
        let order = priority(
            of: states, for: stream, current: pathways.first?.id, viewer: Self.number(of: session))
        return order.compactMap { id in pathways.first { $0.id == id } }
    }

    private func priority(
        of states: [PathwayState], for stream: StreamID, current: String?, viewer: UInt64?,
        slow: SlowPathways = SlowPathways()
    ) -> [String] {
        let audience = shares(of: stream)
        // A viewer's place in one audience says nothing of that in another.
        let wanted = viewer.flatMap { viewer in
            audience?.pathway(of: RankingKey(number: viewer).mixed(with: RankingKey(stream)))
        }
        let order = PathwayOrder.order(
            states, current: current, isOffloaded: delivery.isUsed(stream), slow: slow, wanted: wanted,
            left: audience?.left ?? [])
        if let wanted, wanted == order.first || wanted == PathwayOrder.allEdges { metrics.shared.add() }
        return order
    }

    /// A CDN whose grant is in the query can not be a pathway: a playlist's relative URLs do not inherit it.
    private func deliveryBase(_ stream: StreamID) -> String? {
        guard delivery.isOffered, isKnown(stream) else { return nil }
        return delivery.base(stream).flatMap { $0.contains("?") ? nil : $0 }
    }

    private func state(_ id: String, of stream: StreamID) -> PathwayState {
        if id == Self.cdn { return PathwayState(id: id, kind: .cdn, isOpen: deliveryBase(stream) != nil) }
        guard let desk else { return PathwayState(id: id, kind: .edge, load: ownLoad()) }
        if id.hasPrefix(Self.region) {
            let region = Region(parsing: id.dropFirst(Self.region.count))
            guard let summary = region.flatMap({ desk.snapshot.view.regions[$0] }) else {
                return PathwayState(id: id, kind: .region, isOpen: false)
            }
            return state(summary, at: desk)
        }
        if id == MultivariantPlaylist.ownPathway {
            return PathwayState(id: id, kind: .edge, isOpen: !desk.isDraining, load: ownLoad())
        }
        let edge = NodeID(parsing: id).flatMap(desk.edge)
        return PathwayState(id: id, kind: .edge, isOpen: edge?.isOpen ?? false, load: edge?.load ?? 0)
    }

    private func state(_ region: RegionSummary, at desk: RouterDesk) -> PathwayState {
        PathwayState(
            id: Self.region + region.region.description, kind: .region, isOpen: !region.routers.isEmpty,
            load: Double(region.load) / 1000, distance: desk.distance(to: region.region))
    }

    /// Where none of the edges that a playlist names takes viewers any more: two others of the stream's ranking.
    private func clones(_ named: [String], of stream: StreamID) -> [SteeringManifest.Clone] {
        guard let desk, let base = named.first(where: { NodeID(parsing: $0) != nil }) else { return [] }
        return desk.workingEdges(4, of: stream).filter { !named.contains($0.id.description) }.prefix(2).compactMap {
            guard let host = $0.description.viewerURL.split(separator: "/").dropFirst().first else { return nil }
            return SteeringManifest.Clone(base: base, id: $0.id.description, host: String(host))
        }
    }

    static let cdn = "CDN"
    static let region = "REGION."
}

// MARK: - Shares

extension SteeringDesk {
    /// Whether viewers are told by which pathways to go.
    public var isOn: Bool { life > .zero }

    /// What was ordered of audiences and counts now, in the order in which it was said.
    public var steeringOrders: [SteeringOrder] {
        let now = UInt64(SystemClock.wall().milliseconds.magnitude)
        let all = desk?.snapshot.view.steering ?? orders.withLock { $0.values.sorted { $0.time < $1.time } }
        return all.filter { $0.expires > now && !$0.shares.isEmpty }
    }

    /// Takes an order about an audience on a node that is alone; in a cluster orders come with its view.
    public func take(_ order: SteeringOrder) {
        let now = UInt64(SystemClock.wall().milliseconds.magnitude)
        orders.withLock { orders in
            orders = orders.filter { $0.value.expires > now }
            guard orders[order.stream] != nil || orders.count < Self.mostOrders else { return }
            orders[order.stream] = order.following(orders[order.stream])
        }
    }

    /// Whether an order would be taken: there are not too many about others, and what is known of its audience was not given
    /// by a clock that is a day ahead.
    public func hasRoom(for order: SteeringOrder) -> Bool {
        let now = UInt64(SystemClock.wall().milliseconds.magnitude)
        let all = desk?.snapshot.view.steering ?? orders.withLock { Array($0.values) }
        let known = all.filter { $0.expires > now }
        guard let same = known.first(where: { $0.stream == order.stream }) else {
            return known.count < Self.mostOrders
        }
        return order.following(same).isPlausible(at: now)
    }

    /// A viewer's number, by its session.
    public static func number(of session: ViewerID) -> UInt64 { RankingKey(session).number }

    /// What was ordered of a stream's audience; nil where nothing was.
    private func shares(of stream: StreamID) -> AudienceShares? {
        let orders = steeringOrders
        guard let shares = (orders.last { $0.stream == stream } ?? orders.last { $0.stream == nil })?.shares else {
            return nil
        }
        return audiencesByShares.withLock { known in
            if let known = known[shares] { return known }
            if known.count >= Self.mostOrders { known = [:] }
            let fresh = AudienceShares(
                Dictionary(shares.map { ($0.pathway, Int($0.percent)) }, uniquingKeysWith: +))
            known[shares] = fresh
            return fresh
        }
    }

    private static let mostOrders = 64
}

// MARK: - Audiences

extension SteeringDesk {
    /// Viewers at the CDN are seen by nobody but whom they ask for the manifest, once in its life.
    private struct Askers {
        var asked: Duration
        var since: Duration
        var now = 0
        var before = 0

        func count(now: Duration, life: Duration) -> Int {
            let age = now - since
            return age < life ? max(self.now, before) : age < life * 2 ? self.now : 0
        }

        mutating func add(isThere: Bool, now: Duration, life: Duration) {
            asked = now
            guard isThere else { return }
            let age = now - since
            if age >= life {
                before = age < life * 2 ? self.now : 0
                self.now = 0
                since = now
            }
            self.now += 1
        }
    }

    private func note(_ query: SteeringQuery, of stream: StreamID) {
        guard delivery.isOffered, life > .zero, isKnown(stream) else { return }
        let now = SystemClock.now()
        askers.withLock {
            $0[stream, default: Askers(asked: now, since: now)].add(
                isThere: query.pathway == Self.cdn, now: now, life: life)
        }
    }
}
