// SPDX-License-Identifier: Apache-2.0

package import Access
import Bytes
import Cluster
import Control
import Edge
import Feed
import HLS
import Hummingbird
import Identity
package import Logging
import Media
import NIOCore
package import NIOPosix
package import Origin
import Placement
import RTMP
import RealTime
package import Replica
import Router
import Steering
import Synchronization
import Telemetry
import Transport
import WebServer

/// The parts of a node, put together once at start, before anything listens.
package final class NodeAssembly: Sendable {
    package let settings: NodeSettings
    package let logger: Logger
    /// For what outsiders can cause at any rate.
    let storms: StormLog
    package let metrics = NodeMetrics()
    package let policy: AccessPolicy
    package let replicas = ReplicaTable()
    package let streams: LiveStreamTable
    let edge: EdgeState
    let tls: TLSContexts?
    package let certificate: CertificateWatch?
    let certificates: CertificateMetrics
    let script: PlayerScript?
    let cluster: ClusterPart?
    let arbiter: LeaseArbiter?
    let recording: RecordingPart?
    let tracing: TracingPart?
    let delivery: DeliveryPart?
    let steering: SteeringDesk
    package let loopGuard: LoopGuard
    package let group: MultiThreadedEventLoopGroup
    let traffic = TrafficMeter()
    let reports = ReportNumbers()
    private let isStopping = Mutex(false)
    let startedAt = SystemClock.wall()
    let startTime = SystemClock.now()

    /// Throws what is wrong with the certificate, the secret or the player's script.
    package init(_ settings: NodeSettings, logger: Logger) throws {
        self.settings = settings
        self.logger = logger
        storms = StormLog(logger)
        policy = AccessPolicy(settings: settings.accessSettings, secret: try settings.accessSecret())
        script = try PlayerScript(settings.page)
        let tls = try settings.http.tls.files.map { try TLSContexts($0) }
        self.tls = tls
        let certificates = CertificateMetrics(settings, metrics.registry)
        self.certificates = certificates
        certificate = tls.map { [metrics] in
            CertificateWatch($0, reloads: metrics.reloads, certificates: certificates, logger: logger)
        }
        group = MultiThreadedEventLoopGroup(numberOfThreads: ProcessLimits.processors)
        let window = MediaWindowSettings(segments: settings.hls.window)
        let replicaMetrics = ReplicaMetrics(metrics.registry)
        let tracing = try TracingPart(settings, metrics: TracingMetrics(metrics.registry), log: storms)
        self.tracing = tracing
        let makeReplica: @Sendable (StreamID) -> StreamReplica = {
            StreamReplica(
                id: $0, checkingOneIn: UInt64(settings.cluster.checkedOneIn), settings: window, metrics: replicaMetrics,
                tracer: tracing?.tracer)
        }
        let key = try settings.clusterKey()
        let link = ClusterLink()
        let deliveryMetrics = DeliveryMetrics(metrics.registry)
        loopGuard = LoopGuard(key: key, refused: deliveryMetrics.loops)
        let recording = try RecordingPart(
            settings, loopToken: loopGuard.token, metrics: metrics, tracer: tracing?.tracer, logger: logger)
        self.recording = recording
        let delivery = try DeliveryPart(settings, metrics: deliveryMetrics, log: storms)
        self.delivery = delivery
        let alone: any OriginCluster = key == nil ? LoneOrigin(packaging: settings.packaging.upperBound) : link
        let origin = recording.map { RecordedOrigin(alone, recorders: $0) as any OriginCluster } ?? alone
        streams = LiveStreamTable(
            settings: settings.liveStreamSettings, replicas: replicas, cluster: origin, makeReplica: makeReplica)
        let arbiter = try settings.arbiter(metrics: metrics, log: storms, on: group.next())
        self.arbiter = arbiter
        cluster = try key.map { [policy, streams, replicas, group, metrics, storms] key in
            try ClusterPart(
                settings, key: key, secret: policy.secret, streams: streams, pulse: link.pulse, replicas: replicas,
                arbiter: arbiter, makeReplica: makeReplica, on: group, metrics: metrics, log: storms, logger: logger)
        }
        let steering = SteeringDesk(
            desk: cluster?.desk, life: settings.router.steeringLife, delivery: DeliveryPart.desk(delivery),
            metrics: SteeringMetrics(metrics.registry),
            isKnown: { [streams, replicas, desk = cluster?.desk] id in
                if streams[id] != nil || replicas[id] != nil { return true }
                return desk?.entry(id).map { $0.state != .ended } ?? false
            },
            need: { [replicas, desk = cluster?.desk] id in
                let known = desk?.entry(id)?.variants ?? []
                let variants = known.isEmpty ? replicas[id]?.variants.map(\.summary) ?? [] : known
                return SlowPathways.need(
                    of: variants.map { (average: $0.averageBandwidth, peak: $0.peakBandwidth) })
            }
        ) { [traffic] in traffic.use(of: settings.node.capacity) }
        self.steering = steering
        edge = EdgeState(
            replicas: replicas, source: cluster?.upstreams, policy: policy, window: window,
            play: settings.replicaPlaySettings, settings: settings.edgeSettings,
            metrics: EdgeMetrics(metrics.registry),
            rewind: try settings.rewindDesk(over: recording?.archive, metrics: RewindMetrics(metrics.registry)),
            tracer: tracing?.tracer
        ) { [apps = Set(settings.access.viewerApps)] in
            // One playlist is for all viewers here, so it can not tell another region who a viewer is.
            apps.contains($0.app) ? [] : steering.pathways(of: $0, token: nil)
        }
        link.attach(cluster)
        recording?.attach(streams)
    }

    /// Whether the node is to be stopped now: true for who asks first.
    package func beginStopping() -> Bool {
        isStopping.withLock { isStopping in
            defer { isStopping = true }
            return !isStopping
        }
    }

    /// Opens all ports.
    func listen() async throws -> Listeners {
        let loops = try await EdgeLoops(group: group)
        let doors = rtmpDoors(loops)
        let rtmp = try await listenRTMP(port: settings.rtmp.port, secured: false, doors: doors)
        let secured = tls != nil && settings.rtmp.tlsPort != 0
        let rtmps = secured ? try await listenRTMP(port: settings.rtmp.tlsPort, secured: true, doors: doors) : nil
        let node = NodeView(self, rtmpPort: rtmp.address.port)
        let realTime = try await listenRealTime()
        let http = try await listenHTTP(node, loops, realTime)
        let relay = try await cluster?.start(
            http: http.address.port ?? 0, rtmp: rtmp.address.port ?? 0, on: group)
        let agent = try await listenAgent()
        let plainRTP = try await listenPlainRTP()
        let listeners = Listeners(
            http: http, rtmp: rtmp, rtmps: rtmps, cluster: relay, agent: agent, plainRTP: plainRTP, realTime: realTime,
            isSecured: tls != nil)
        node.attach(listeners)
        keepRecordings()
        tracing?.start()
        return listeners
    }

    /// Who takes publishers and players: a node that is no origin sends publishers to one.
    private func rtmpDoors(_ loops: EdgeLoops) -> RTMPDoors {
        var publishers: (any RTMPPublishDoor)?
        if settings.roles.contains(.origin) {
            publishers = RTMPIngest(
                streams: streams, policy: policy, metrics: IngestMetrics(metrics.registry), log: storms)
        } else if let desk = cluster?.desk {
            publishers = PublisherRouter(desk: desk)
        }
        let players = settings.roles.contains(.edge) ? RTMPPlayFront(edge: edge, loops: loops) : nil
        return RTMPDoors(publishers: publishers, players: players)
    }

    private func listenHTTP(
        _ node: NodeView, _ loops: EdgeLoops, _ realTime: RealTimeNode?
    ) async throws -> HTTPServer {
        let routing = try settings.routerFrontSettings()
        let site = ControlSite(
            node: node, policy: policy, metricsAddresses: settings.access.metricsAddresses,
            hasPage: settings.page.enabled, scriptOrigin: script?.origin,
            elsewhere: [settings.cdn.url, settings.dvr.origin].compactMap { $0 })
        return try await HTTPServer.start(
            TCPListenerSettings(
                host: ProcessLimits.listenAddress(for: settings.http.host), port: settings.http.port,
                limits: settings.httpAdmission),
            web: settings.webSettings, tls: tls,
            site: WebSite(isMedia: Self.isMedia, application: application(site, realTime), logger: logger),
            on: group,
            observer: WebMetrics(metrics.registry)
        ) { [self] loop in
            let media = mediaFront(loops, routing, loop)
            return LoopFront(loopGuard, next: SteeringFront(desk: steering, policy: policy, next: media))
        }
    }

    private static func isMedia(_ target: ByteBufferView) -> Bool {
        HLSFront.isMedia(target) || SteeringFront.isSteering(target)
    }

    private func mediaFront(
        _ loops: EdgeLoops, _ routing: RouterFrontSettings, _ loop: any EventLoop
    ) -> any MediaResponder {
        let edge = settings.roles.contains(.edge) ? HLSFront(edge: edge, loops: loops, eventLoop: loop) : nil
        guard let desk = cluster?.desk else { return edge ?? NoMedia() }
        let front = edge.map { DrainingFront(desk: desk, policy: policy, edge: $0) }
        guard settings.roles.contains(.router) || front == nil else { return front ?? NoMedia() }
        return RouterFront(desk: desk, steering: steering, policy: policy, settings: routing, edge: front)
    }

    /// All that is not media, WHIP and WHEP among it where they are on.
    private func application(
        _ site: ControlSite, _ realTime: RealTimeNode?
    ) -> any HTTPResponder<WebRequestContext> {
        guard let realTime else { return site.responder() }
        return SiteChoice(signaling: realTime.site(base: signalingBase), other: site.responder())
    }

    private func listenAgent() async throws -> TCPListener? {
        guard settings.edge.agentPort != 0 else { return nil }
        return try await TCPListener.bind(
            TCPListenerSettings(
                host: ProcessLimits.listenAddress(for: settings.http.host), port: settings.edge.agentPort),
            on: group, observer: ListenerMetrics(metrics.registry, listener: "agent")
        ) { [self] channel, _ in
            try channel.pipeline.syncOperations.addHandler(AgentPort { self.agentCheck })
        }
    }

    /// What a load balancer is told.
    private var agentCheck: AgentCheck {
        if streams.isClosing || cluster?.isDraining ?? false { return .draining }
        if let cluster, cluster.gossip == nil { return .unfit }
        return .serving(use: use)
    }

    private func listenRTMP(
        port: Int, secured: Bool, doors: RTMPDoors
    ) async throws -> TCPListener {
        let session = settings.rtmpSessionSettings
        let connectionMetrics = RTMPMetrics(metrics.registry)
        let observer = ListenerMetrics(metrics.registry, listener: secured ? "rtmps" : "rtmp")
        let listening = TCPListenerSettings(
            host: ProcessLimits.listenAddress(for: settings.rtmp.host), port: port, limits: settings.rtmpAdmission)
        return try await TCPListener.bind(listening, on: group, observer: observer) { [tls] channel, peer in
            if secured, let tls {
                try tls.secure(
                    channel, for: .rtmp, handshakeTimeout: session.handshakeTimeout, observer: observer)
            }
            let connection = RTMPConnection(
                peer: peer, eventLoop: channel.eventLoop, settings: session, doors: doors, metrics: connectionMetrics)
            try channel.pipeline.syncOperations.addHandler(connection)
        }
    }
}

/// What a node listens with.
struct Listeners: Sendable {
    let http: HTTPServer
    let rtmp: TCPListener
    let rtmps: TCPListener?
    let cluster: ClusterListening?
    let agent: TCPListener?
    let plainRTP: PlainRTPPart?
    let realTime: RealTimeNode?
    let isSecured: Bool
}
