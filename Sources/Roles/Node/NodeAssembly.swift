// SPDX-License-Identifier: Apache-2.0

package import Access
import Bytes
import Control
import Edge
import Feed
import HLS
import Identity
package import Logging
import Media
import NIOCore
package import Origin
import RTMP
package import Replica
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
    let script: PlayerScript?
    let traffic = TrafficMeter()
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
        certificate = tls.map { [metrics] in CertificateWatch($0, reloads: metrics.reloads, logger: logger) }
        let window = MediaWindowSettings(segments: settings.hls.window)
        let replicaMetrics = ReplicaMetrics(metrics.registry)
        streams = LiveStreamTable(settings: settings.liveStreamSettings, replicas: replicas) { id, term in
            StreamReplica(id: id, term: term, settings: window, metrics: replicaMetrics)
        }
        edge = EdgeState(
            replicas: replicas, policy: policy, window: window, play: settings.replicaPlaySettings,
            settings: settings.edgeSettings, metrics: EdgeMetrics(metrics.registry))
    }

    /// Opens all ports on the loops of `group`.
    func listen(on group: any EventLoopGroup) async throws -> Listeners {
        let loops = try await EdgeLoops(group: group)
        let ingest = RTMPIngest(
            streams: streams, policy: policy, metrics: IngestMetrics(metrics.registry), log: storms)
        let doors = RTMPDoors(publishers: ingest, players: RTMPPlayFront(edge: edge, loops: loops))
        let rtmp = try await listenRTMP(port: settings.rtmp.port, secured: false, doors: doors, on: group)
        let secured = tls != nil && settings.rtmp.tlsPort != 0
        let rtmps =
            secured
            ? try await listenRTMP(port: settings.rtmp.tlsPort, secured: true, doors: doors, on: group) : nil
        let node = NodeView(self, rtmpPort: rtmp.address.port)
        let site = ControlSite(
            node: node, policy: policy, hasPage: settings.page.enabled, scriptOrigin: script?.origin)
        let http = try await HTTPServer.start(
            TCPListenerSettings(
                host: ProcessLimits.listenAddress(for: settings.http.host), port: settings.http.port,
                limits: settings.httpAdmission),
            web: settings.webSettings, tls: tls,
            site: WebSite(isMedia: HLSFront.isMedia, application: site.responder(), logger: logger), on: group,
            observer: WebMetrics(metrics.registry)
        ) { [edge] loop in
            HLSFront(edge: edge, loops: loops, eventLoop: loop)
        }
        let listeners = Listeners(http: http, rtmp: rtmp, rtmps: rtmps, isSecured: tls != nil)
        node.attach(listeners)
        return listeners
    }

    private func listenRTMP(
        port: Int, secured: Bool, doors: RTMPDoors, on group: any EventLoopGroup
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
    let isSecured: Bool
}
