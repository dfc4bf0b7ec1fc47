// SPDX-License-Identifier: Apache-2.0

import Foundation
import Node
import Testing

@Suite("A setting")
struct SettingsWiringTests {
    /// What the modules are given.
    private func modules(_ settings: NodeSettings) -> String {
        var text = ""
        dump(settings.accessSettings, to: &text)
        dump(settings.httpAdmission, to: &text)
        dump(settings.edgeSettings, to: &text)
        dump(settings.offloadSettings, to: &text)
        dump(settings.fanoutSettings, to: &text)
        dump(settings.iceAdmission, to: &text)
        dump(settings.liveStreamSettings, to: &text)
        dump(settings.realTimeSettings, to: &text)
        dump(settings.recordingSettings, to: &text)
        dump(settings.relaySettings, to: &text)
        dump(settings.replicaPlaySettings, to: &text)
        dump(settings.rewindSettings, to: &text)
        dump(settings.rtmpAdmission, to: &text)
        dump(settings.rtmpSessionSettings, to: &text)
        dump(settings.webSettings, to: &text)
        return text
    }

    /// The settings that the node reads by itself, and the words with which it does.
    private static let own = [
        "log.level": "settings.log.level", "log.format": "settings.log.format", "http.host": "settings.http.host",
        "http.port": "settings.http.port", "http.tls.certificate": "settings.http.tls.files",
        "http.tls.key": "settings.http.tls.files", "rtmp.host": "settings.rtmp.host",
        "rtmp.port": "settings.rtmp.port", "rtmp.tls_port": "settings.rtmp.tlsPort",
        "hls.window": "settings.hls.window", "access.secret": "access.secret",
        "access.metrics_addresses": "settings.access.metricsAddresses", "page.enabled": "settings.page.enabled",
        "page.hls_js": "settings.hlsScript", "page.hls_js_integrity": "settings.hlsScriptIntegrity",
        "shutdown.timeout": "settings.shutdown.timeout", "roles": "settings.roles.contains(.origin)",
        "node.name": "node.name ??", "node.region": "node.region", "node.zone": "node.zone",
        "node.advertise": "node.advertise,", "node.viewer_url": "node.viewerURL",
        "node.publisher_url": "node.publisherURL",
        "node.capacity": "node.capacity", "cluster.name": "settings.cluster.name", "cluster.key": "cluster.key.map",
        "cluster.seeds": "settings.seeds(settings.cluster.seeds)",
        "cluster.remote_seeds": "settings.seeds(settings.cluster.remoteSeeds)", "cluster.profile": "cluster.profile",
        "cluster.linger": "settings.cluster.linger", "cluster.quorum": "settings.cluster.quorum",
        "cluster.checked_one_in": "settings.cluster.checkedOneIn", "cluster.packaging": "cluster.packaging)",
        "gossip.host": "settings.cluster.gossip.host", "gossip.port": "settings.cluster.gossip.port",
        "relay.host": "settings.cluster.relay.host", "relay.port": "settings.cluster.relay.port",
        "relay.tls.certificate": "cluster.relayTLS.files", "relay.tls.key": "cluster.relayTLS.files",
        "relay.tls.authority": "cluster.relayAuthority",
        "redis.url": "redis.server", "redis.sentinels": "redis.sentinels.compactMap", "redis.master": "redis.master",
        "redis.username": "redis.username", "redis.password": "redis.password?", "redis.database": "redis.database",
        "redis.sentinel_username": "redis.sentinelUsername", "redis.sentinel_password": "redis.sentinelPassword?",
        "redis.prefix": "redis.prefix", "redis.timeout": "redis.timeout",
        "edge.agent_port": "settings.edge.agentPort", "edge.shield": "edge.isShield",
        "webrtc.enabled": "settings.webrtc.enabled", "webrtc.turn_secret": "webrtc.turnSecret",
        "webrtc.tcp_port": "settings.webrtc.tcpPort",
        "router.mode": "router.mode", "router.trusted_proxies": "router.trustedProxies",
        "rtp.enabled": "settings.rtp.enabled", "rtp.host": "settings.rtp.host", "rtp.port": "settings.rtp.port",
        "rtp.threads": "settings.rtp.threads", "rtp.hold": "settings.rtp.hold", "rtp.willing": "settings.rtp.willing",
        "grpc.host": "settings.grpc.host", "grpc.port": "settings.grpc.port", "grpc.tls": "settings.grpc.secured",
        "storage.kind": "settings.storage.kind", "storage.path": "storage.path ??",
        "storage.endpoint": "storage.endpoint.map", "storage.bucket": "storage.bucket ??",
        "storage.region": "region: storage.region", "storage.addressing": "storage.addressing",
        "storage.account": "settings.account", "storage.secret": "settings.secret?",
        "storage.session_token": "settings.sessionToken?", "storage.credentials": "settings.credentials",
        "storage.timeout": "storage.timeout", "storage.spill": "storage.spill.map",
        "dvr.disk": "dvr.disk {", "dvr.disk_limit": "dvr.diskLimit", "dvr.url": "dvr.base",
        "cdn.signer": "cdn.signer", "cdn.key": "cdn.key?", "cdn.key_file": "cdn.keyFile", "cdn.key_name": "cdn.keyName",
        "cdn.token_life": "settings.cdn.tokenLife", "cdn.purge_url": "settings.purgeURL",
        "cdn.purge_method": "settings.purgeMethod", "cdn.purge_header": "settings.purgeHeader",
        "cdn.url": "settings.cdn.url",
        "router.steering": "settings.router.steeringLife",
        "tracing.endpoint": "settings.tracing.endpoint", "tracing.header": "settings.tracing.collectorHeaders",
        "tracing.sample": "settings.tracing.sample", "tracing.requests": "settings.tracing.requests",
        "tracing.queue": "tracing.queue",
        "router.regions": "router.regionsFile", "router.places": "router.placesFile",
    ]

    @Test("reaches the module that it is about", arguments: SettingKey.all.map(\.path))
    func reaches(path: String) throws {
        let key = try #require(SettingKey.named(path))
        let values = [
            "7", "never", "7s", "1m", "700ms", "70KiB", "true", "false", "allow", "open", "apple", "vip", "10.0.0.1",
            "vip=7s",
        ]
        let defaults = NodeSettings()
        let changed = values.compactMap { value -> NodeSettings? in
            var settings = NodeSettings()
            return key.apply(value, to: &settings) && settings != defaults ? settings : nil
        }
        if let words = Self.own[path] {
            #expect(try sources.contains(words))
        } else {
            #expect(modules(try #require(changed.first)) != modules(defaults))
        }
    }

    /// The node's own code, without what declares settings.
    private var sources: String {
        get throws {
            let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().appending(path: "Sources/Roles/Node")
            let files = try ["", "Cluster", "Delivery", "RealTime", "Recording", "Tracing"].map {
                root.appending(path: $0)
            }
            .flatMap {
                try FileManager.default.contentsOfDirectory(at: $0, includingPropertiesForKeys: nil)
            }
            return try files.filter { $0.pathExtension == "swift" }
                .map { try String(contentsOf: $0, encoding: .utf8) }.joined()
        }
    }
}
