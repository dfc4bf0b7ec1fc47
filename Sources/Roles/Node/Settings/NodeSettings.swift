// SPDX-License-Identifier: Apache-2.0

public import Cluster

/// All settings of a node, each with its default. What a field does, its range and its reason stand in
/// ``SettingKey/all``, and so in `millrace.yml`.
public struct NodeSettings: Sendable, Equatable {
    /// What is logged and how.
    public var log = LogSettings()
    /// The HTTP port: media, page, API, metrics.
    public var http = HTTPSettings()
    /// The RTMP ports.
    public var rtmp = RTMPSettings()
    /// Rules for publishers.
    public var publisher = PublisherSettings()
    /// Bounds of the whole node.
    public var limits = LimitSettings()
    /// Segments and parts.
    public var hls = HLSSettings()
    /// FLV and RTMP viewers.
    public var play = PlaySettings()
    /// Sessions of WebRTC.
    public var webrtc = WebRTCSettings()
    /// Who may publish, view and control.
    public var access = AccessSettings()
    /// The page at `/`.
    public var page = PageSettings()
    /// What the node does.
    public var roles: NodeRoles = [.origin, .edge, .router]
    /// What it says of itself.
    public var node = IdentitySettings()
    /// Its part in a cluster.
    public var cluster = NodeClusterSettings()
    /// The store that arbitrates between its gateways.
    public var redis = RedisNodeSettings()
    /// How it serves viewers beside other edges.
    public var edge = EdgeRoleSettings()
    /// How it sends viewers to edges.
    public var router = RouterSettings()
    /// Plain RTP.
    public var rtp = RTPSettings()
    /// The port that controls plain RTP.
    public var grpc = GRPCSettings()
    /// The store of recordings.
    public var storage = StorageSettings()
    /// How far viewers can go back.
    public var dvr = DVRSettings()
    /// The CDN in front of the edges.
    public var cdn = CDNSettings()
    /// Where segments were, and how long.
    public var tracing = TracingSettings()
    /// The end of the process.
    public var shutdown = ShutdownSettings()

    /// The defaults, with which a node runs without any setting.
    public init() {}

    /// Settings that are right by themselves and wrong together, each as a sentence; empty if there are none.
    public var contradictions: [String] {
        var found: [String] = []
        if (http.tls.certificate == nil) != (http.tls.key == nil) {
            found.append("http.tls.certificate and http.tls.key are set together or not at all")
        }
        if hls.partTarget >= hls.segmentTarget {
            found.append(
                "hls.part (\(hls.partTarget.settingText)) is shorter than hls.segment (\(hls.segmentTarget.settingText))"
            )
        }
        if access.publishTokenLife > access.publishTokenLifeMaximum {
            found.append("access.publish_token_life is at most access.publish_token_life_max")
        }
        if page.hlsScriptIntegrity != nil && page.hlsScript == nil {
            found.append("page.hls_js_integrity needs page.hls_js")
        }
        if grpc.secured, http.tls.certificate == nil { found.append("grpc.tls needs http.tls.certificate") }
        if !roles.contains(.edge), edge.isShield { found.append("edge.shield needs the role edge") }
        let relay = [cluster.relayTLS.certificate, cluster.relayTLS.key, cluster.relayAuthority].compactMap { $0 }
        if !relay.isEmpty, relay.count < 3 {
            found.append("relay.tls.certificate, relay.tls.key and relay.tls.authority are set together or not at all")
        }
        found += redis.contradictions + storage.contradictions + cdn.contradictions + tracing.contradictions
        found += dvr.contradictions(beside: self)
        if cluster.key == nil {
            if roles != [.origin, .edge, .router] {
                found.append("roles need cluster.key: a node alone does everything")
            }
            if redis.isOn {
                found.append("redis.url and redis.sentinels need cluster.key: a node alone agrees with itself")
            }
            if !cluster.seeds.isEmpty || !cluster.remoteSeeds.isEmpty { found.append("cluster.seeds need cluster.key") }
        }
        let ports = [http.port, rtmp.port, http.tls.certificate == nil ? 0 : rtmp.tlsPort].filter { $0 != 0 }
        if Set(ports).count != ports.count { found.append("http.port, rtmp.port and rtmp.tls_port differ") }
        return found
    }
}
