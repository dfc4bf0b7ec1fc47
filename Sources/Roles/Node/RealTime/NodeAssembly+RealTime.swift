// SPDX-License-Identifier: Apache-2.0

import Cluster
import NIOPosix
import Origin
import RealTime
import Router
import Telemetry
import Transport

extension NodeAssembly {
    /// Opens the port of WebRTC; nil where it is switched off.
    func listenRealTime() async throws -> RealTimeNode? {
        guard settings.webrtc.enabled else { return nil }
        let isRouter = settings.roles.contains(.router) || !settings.roles.contains(.edge)
        let viewers = EdgeDoor(
            edge: settings.roles.contains(.edge) ? edge : nil, router: isRouter ? cluster?.desk : nil,
            routing: try settings.routerFrontSettings(), policy: policy)
        let desk = PublisherDesk(
            streams: streams, policy: policy, metrics: IngestMetrics(metrics.registry), log: storms)
        let publishers = OriginDoor(
            desk: settings.roles.contains(.origin) ? desk : nil, router: cluster?.desk, group: group)
        let node = try RealTimeNode(
            settings.realTimeSettings, viewers: viewers, publishers: publishers, on: group.next(),
            registry: metrics.registry, log: storms)
        guard settings.webrtc.tcpPort != 0 else { return node }
        try await node.listen(
            TCPListenerSettings(
                host: ProcessLimits.listenAddress(for: settings.webrtc.host), port: settings.webrtc.tcpPort,
                limits: settings.iceAdmission),
            on: group, observer: ListenerMetrics(metrics.registry, listener: "webrtc"))
        return node
    }

    /// What stands before the path of a session, so that requests for it reach this node and no other; nil for what the
    /// client came by.
    var signalingBase: @Sendable () -> String? {
        { [settings, cluster] in settings.node.viewerURL ?? cluster?.desk.ownURL }
    }
}
