// SPDX-License-Identifier: Apache-2.0

import APIClient
import Access
import Cluster
import Clustering
import Control
import Feed
import Foundation
import Gossip
import Identity
import Logging
import Media
import NIOCore
import NIOPosix
import Origin
import Placement
import Relay
import Replica
import Router
import SharedState
import Synchronization
import Telemetry
import Transport

/// A node's part in its cluster, put together: gossip, the directory, the relay and the choices over the view. A node
/// alone has none.
final class ClusterPart: Sendable {
    let id: NodeID
    let desk: RouterDesk
    let upstreams: UpstreamTable
    let events = Mutex(EventRing(capacity: 1024))
    let pulse: GatewayPulse?
    let settings: NodeSettings
    let streams: LiveStreamTable
    let replicas: ReplicaTable
    let claims: any TermClaims
    let group: any EventLoopGroup
    let log: StormLog
    let feeder: DirectoryFeeder
    let shared: ClusterPartShare
    let relayMetrics: RelayMetrics
    let startedAt = SystemClock.now()
    let identity: RelayIdentity
    private let key: ClusterKey
    private let secret: AccessSecret
    let arbiter: LeaseArbiter?
    private let front: RelayFront
    private let metrics: NodeMetrics
    private let logger: Logger

    /// Puts the part together; nothing listens yet.
    init(
        _ settings: NodeSettings, key: ClusterKey, secret: AccessSecret, streams: LiveStreamTable,
        pulse: GatewayPulse?, replicas: ReplicaTable, arbiter: LeaseArbiter?,
        makeReplica: @escaping @Sendable (StreamID) -> StreamReplica, on group: any EventLoopGroup,
        metrics: NodeMetrics, log: StormLog, logger: Logger
    ) throws {
        self.settings = settings
        self.key = key
        self.secret = secret
        self.streams = streams
        self.pulse = pulse
        self.group = group
        self.replicas = replicas
        self.arbiter = arbiter
        claims = arbiter.map { $0 as any TermClaims } ?? GossipClaims()
        self.metrics = metrics
        self.log = log
        self.logger = logger
        id = try settings.nodeID()
        let region = Region(parsing: settings.node.region) ?? .local
        let alone = ClusterView(node: id, version: 0, members: [], streams: [:], regions: [:])
        desk = RouterDesk(
            view: alone, regions: try settings.regionsFile().choice, metrics: RouterMetrics(metrics.registry))
        relayMetrics = RelayMetrics(metrics.registry) { [log] in log.record($0) }
        let shared = ClusterPartShare(desk: desk, streams: streams, replicas: replicas, metrics: relayMetrics)
        self.shared = shared
        feeder = DirectoryFeeder(node: id, region: region) { [shared] in shared.gossip?.publish($0) }
        let tls = try settings.relayTLS(key, shared)
        let observer = ListenerMetrics(metrics.registry, listener: "relay")
        let identity = RelayIdentity(
            node: id, cluster: settings.cluster.name, incarnation: UInt64(SystemClock.wall().milliseconds.magnitude),
            settings: settings.relaySettings
        ) { channel, called in
            if called == nil {
                try tls.accept(channel, observer: observer)
            } else {
                try tls.connect(channel, observer: observer)
            }
        }
        self.identity = identity
        var upstream = UpstreamSettings()
        upstream.linger = settings.cluster.linger
        upstream.packaging = settings.packaging
        upstreams = UpstreamTable(
            identity: identity, replicas: replicas, finder: shared, settings: upstream, on: group,
            metrics: relayMetrics, makeReplica: makeReplica)
        front = RelayFront(
            identity: identity, replicas: replicas, doorkeeper: shared, source: upstreams, metrics: relayMetrics)
        arbiter?.attach(self)
    }
}

// MARK: - Beginning and ending

extension ClusterPart {
    /// Connections of other nodes to the relay's port at once: more than a region has nodes.
    static let maximumRelayConnections = 4096

    /// Opens the relay's and the gossip's ports and joins.
    func start(http: Int, rtmp: Int, on group: any EventLoopGroup) async throws -> ClusterListening {
        let limits = AdmissionLimits(connections: Self.maximumRelayConnections, ratePerAddress: 1000)
        let relay = try await TCPListener.bind(
            TCPListenerSettings(
                host: ProcessLimits.listenAddress(for: settings.cluster.relay.host), port: settings.cluster.relay.port,
                limits: limits),
            on: group, observer: ListenerMetrics(metrics.registry, listener: "relay")
        ) { [front] channel, peer in try front.accept(channel, peer) }
        let ports = NodePorts(http: http, rtmp: rtmp, relay: relay.address.port ?? 0)
        var description = try settings.description(ports)
        description.gossip = Endpoint(
            address: description.gossip.address, port: UInt16(clamping: settings.cluster.gossip.port))
        var member = ClusterNodeSettings(
            cluster: settings.cluster.name, key: key, description: description,
            host: ProcessLimits.listenAddress(for: settings.cluster.gossip.host),
            port: settings.cluster.gossip.port, seeds: settings.seeds(settings.cluster.seeds),
            remoteSeeds: settings.seeds(settings.cluster.remoteSeeds), gossip: settings.gossipSettings)
        if let store = arbiter?.store {
            let region = description.region
            member.findMore = { await $0 == .region ? store.seeds(in: region) : store.seeds(outside: region) }
        }
        let gossip = try await ClusterNode.start(
            member, on: group, listeners: listeners(), metrics: ClusterMetrics(metrics.registry), log: log,
            logger: logger,
            observer: ListenerMetrics(metrics.registry, listener: "gossip"))
        shared.set(gossip)
        feeder.tellAll()
        pulse?.beat(at: SystemClock.now())
        group.any().scheduleRepeatedTask(initialDelay: .milliseconds(200), delay: .milliseconds(200)) {
            [weak self] task in
            guard let self else { return task.cancel() }
            beat()
        }
        group.any().scheduleRepeatedTask(initialDelay: .milliseconds(100), delay: .milliseconds(100)) {
            [weak self] task in
            guard let self else { return task.cancel() }
            watchHolders()
        }
        arbiter?.tick()
        return ClusterListening(relay: relay, gossip: gossip)
    }

    private func listeners() -> ClusterListeners {
        var listeners = ClusterListeners()
        listeners.view = { [weak self] in self?.follow($0) }
        listeners.load = { [desk] in desk.receive($0) }
        listeners.member = { [weak self] member in self?.heard(member) }
        listeners.storeAnswered = { [arbiter] _ in arbiter?.heard() }
        listeners.stream = { [weak self] entry in self?.heard(entry) }
        return listeners
    }
}

/// What a node listens with for its cluster.
struct ClusterListening: Sendable {
    let relay: TCPListener
    let gossip: ClusterNode
}

// MARK: - What happens

extension ClusterPart {
    /// What gossip makes of the cluster; nil before it has begun.
    var gossip: ClusterNode? { shared.gossip }

    /// A stream whose term is this node's began, ended, or its publisher went or came.
    func follow(_ stream: LiveStream) {
        feeder.follow(stream) { [desk, id, shared] current in
            let snapshot = desk.snapshot
            guard !shared.isResting(stream.id) else { return nil }
            if let current, snapshot.mayHold(current, packaging: stream.packaging) { return current }
            // One that drains holds on until another does.
            if let current, !snapshot.isDraining(current) { stream.lost(current) }
            return snapshot.standby(
                of: stream.id, gateway: id, besides: shared.silent(of: stream.id), packaging: stream.packaging)
        }
    }

    /// Once a second: streams are told of again, loads are reported, what nobody wants is let go.
    func tick(_ report: LoadReport) {
        shared.wake()
        arbiter?.tick()
        keepQuorum()
        for stream in streams.all { changed(stream) }
        feeder.forget(but: streams.all.map(\.id))
        holdAsStandby()
        endOrphans()
        confirmFenced()
        handOver()
        upstreams.sweep()
        desk.tick()
        for (stream, edge) in desk.takeWarmings() { warm(edge, for: stream) }
        guard let gossip else { return }
        if settings.roles.contains(.edge), shared.isNews(report) { gossip.report(report) }
        gossip.regionLoad(UInt16(clamping: Int(desk.use * 1000)))
    }

    /// Asks an edge for a stream as a viewer would, so that it takes it before viewers are sent there.
    private func warm(_ edge: Member, for stream: StreamID) {
        guard edge.id != id else {
            if upstreams.replica(of: stream, via: []) != nil { desk.warmed(stream, id) }
            return
        }
        var random = SystemRandomNumberGenerator()
        let token = ViewerToken(
            for: stream, session: .random(using: &random), until: SystemClock.wall().advanced(by: .seconds(10)),
            by: secret)
        let name = stream.description.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed)
        guard let name, let request = edge.request("/\(token.text)/\(name)/main/media.m3u8") else {
            return
        }
        NIOSingletons.posixBlockingThreadPool.submit { [desk] _ in
            if (try? request.send())?.status == 200 { desk.warmed(stream, edge.id) }
        }
    }

    /// Holds what the directory says this node holds: an entry may have come before the members that it names.
    private func holdAsStandby() {
        for entry in desk.snapshot.view.streams.values where entry.standby == id && entry.state != .ended {
            upstreams.hold(entry.stream)
        }
    }

    private func follow(_ view: ClusterView) {
        desk.follow(view)
        shared.settle(view)
        for stream in streams.all { changed(stream) }
    }

    /// A member is new or has changed: one that is gone holds nothing any more.
    private func heard(_ member: Member) {
        note(.member(member.id, member.health, isDraining: member.description.isDraining))
        guard member.health >= .dead else { return }
        for stream in streams.all { stream.lost(member.id) }
    }

    /// The directory says something new of a stream: this node may be its standby now, or no longer.
    private func heard(_ entry: StreamEntry) {
        if entry.gateway == id, let stream = streams[entry.stream] { feeder.defend(stream, against: entry) }
        note(.stream(entry.stream, entry.state, gateway: entry.gateway))
        shared.expect(entry)
        settle(entry)
        if entry.standby == id, entry.state != .ended { upstreams.hold(entry.stream) } else { letGo(entry.stream) }
    }

    private func note(_ change: ClusterEvent.Change) {
        let now = SystemClock.wall()
        events.withLock { $0.append(change, at: now) }
    }

    /// Carries branches of others' sessions of plain RTP from now on.
    func carry(_ carrier: any BranchCarrier) { front.carrier = carrier }

    /// Says good-bye, and lets go of all that comes from others.
    func stop() async {
        upstreams.stop()
        await gossip?.leave()
        await arbiter?.stop()
    }
}

extension Keyring {
    /// The keys as TLS is told them, the one in use first.
    var sharedKeys: [RelayTLS.SharedKey] { ([inUse] + others).map(RelayTLS.SharedKey.init) }
}

extension RelayTLS.SharedKey {
    init(_ key: ClusterKey) { self.init(id: key.description, bytes: key.bytes) }
}

extension NodeSettings {
    fileprivate func seeds(_ texts: [String]) -> [SeedSource] {
        texts.compactMap { SeedSource(parsing: $0, defaultPort: 7946) }
    }

    /// TLS of the relay: by certificates where they are set, else by the cluster's keys.
    fileprivate func relayTLS(_ key: ClusterKey, _ shared: ClusterPartShare) throws -> RelayTLS {
        if let files = cluster.relayTLS.files, let authority = cluster.relayAuthority {
            return try RelayTLS(files, authority: authority)
        }
        let first = [RelayTLS.SharedKey(key)]
        return try RelayTLS { [shared] in shared.gossip.map { $0.keyring.sharedKeys } ?? first }
    }

    fileprivate func regionsFile() throws -> RegionsFile {
        try router.regionsFile.map { try RegionsFile(path: $0) } ?? RegionsFile()
    }
}
