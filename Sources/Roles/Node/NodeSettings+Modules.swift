// SPDX-License-Identifier: Apache-2.0

package import Access
import CMAF
import Cluster
package import Edge
package import Fanout
import Feed
import Gossip
package import Origin
package import RTMP
package import RealTime
package import Relay
package import Replica
package import Transport
package import WebServer

// What the settings mean to each module.

extension NodeSettings {
    /// The secret that was set, or one that comes of the cluster's key, or one made now, with which tokens end when the
    /// process does.
    func accessSecret() throws -> AccessSecret {
        if let secret = access.secret { return try AccessSecret(Array(secret.revealed.utf8)[...]) }
        if let key = try clusterKey() { return try AccessSecret((Array("access".utf8) + key.bytes)[...]) }
        var generator = SystemRandomNumberGenerator()
        return try AccessSecret((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }[...])
    }

    package var accessSettings: Access.AccessSettings {
        var settings = Access.AccessSettings()
        settings.trustLoopback = access.trustLoopback
        settings.publish = access.publish == .open ? .open : .token
        settings.takeover = publisher.takeover == .allow ? .allow : .refuse
        settings.viewerTokenApps = Set(access.viewerApps)
        settings.tokenLinger = access.tokenLinger
        settings.publishTokenLifetime = access.publishTokenLife
        settings.publishTokenLifetimeLimit = access.publishTokenLifeMaximum
        return settings
    }

    /// The versions of the byte writer that the node writes.
    var packaging: ClosedRange<UInt8> {
        Packaging.supported.clamped(to: 0...UInt8(clamping: cluster.packaging))
    }

    package var httpAdmission: AdmissionLimits { admission(connections: http.maximumConnections) }
    package var iceAdmission: AdmissionLimits { admission(connections: webrtc.maximumConnections) }
    package var rtmpAdmission: AdmissionLimits { admission(connections: rtmp.maximumConnections) }

    private func admission(connections: Int) -> AdmissionLimits {
        AdmissionLimits(
            connections: connections, ratePerAddress: limits.connectionsPerAddress, trusted: limits.trustedAddresses)
    }

    package var fanoutSettings: FanoutSettings {
        var settings = FanoutSettings()
        settings.maximumSessions = rtp.maximumSessions
        settings.maximumSubscribers = rtp.maximumSubscribers
        settings.maximumBranches = rtp.maximumBranches
        settings.idleTimeout = rtp.idleTimeout
        return settings
    }

    package var edgeSettings: EdgeSettings {
        var settings = EdgeSettings()
        settings.maximumViewers = limits.viewers
        settings.tagsAnswers = cdn.url != nil
        return settings
    }

    package var liveStreamSettings: LiveStreamSettings {
        var settings = LiveStreamSettings(
            sequencer: SequencerSettings(segmentTarget: hls.segmentTarget, partTarget: hls.partTarget))
        settings.grace = publisher.grace
        settings.takeover = publisher.takeover == .allow ? .allow : .refuse
        settings.randomAccessTimeout = publisher.randomAccessTimeout
        settings.maximumPublishers = publisher.maximum
        settings.maximumStreams = limits.streams
        return settings
    }

    package var replicaPlaySettings: Replica.PlaySettings {
        var settings = Replica.PlaySettings()
        settings.maximumLag = play.maximumLag
        settings.stallLimit = play.stallLimit
        return settings
    }

    package var realTimeSettings: RealTimeSettings {
        var settings = RealTimeSettings()
        settings.address =
            IPAddress(parsing: ProcessLimits.listenAddress(for: webrtc.host)) ?? settings.address
        settings.port = webrtc.port
        settings.threads = webrtc.threads ?? ProcessLimits.processors
        settings.publicAddresses = webrtc.publicAddresses.compactMap { IPAddress(parsing: $0) }
        settings.iceServers = webrtc.iceServers
        settings.turnSecret = webrtc.turnSecret?.revealed
        settings.turnLife = webrtc.turnLife
        settings.maximumUnconnected = webrtc.maximumUnconnected
        settings.offersPerAddress = webrtc.offersPerAddress
        settings.trustedAddresses = limits.trustedAddresses
        settings.connectTimeout = webrtc.connectTimeout
        settings.consentTimeout = webrtc.consentTimeout
        settings.randomAccessInterval = webrtc.randomAccessInterval
        settings.transcoder = webrtc.transcoder
        settings.transcoders = webrtc.transcoders
        return settings
    }

    /// How the relay to other nodes behaves.
    package var relaySettings: RelaySettings {
        var settings = RelaySettings()
        settings.maximumSubscriptions = cluster.maximumSubscriptions
        return settings
    }

    package var rtmpSessionSettings: RTMP.RTMPSettings {
        var settings = RTMP.RTMPSettings()
        settings.maximumMessage = rtmp.maximumMessage
        settings.maximumChunkStreams = rtmp.maximumChunkStreams
        settings.amfDepth = rtmp.amfDepth
        settings.handshakeTimeout = rtmp.handshakeTimeout
        settings.commandTimeout = rtmp.commandTimeout
        settings.publishIdleTimeout = rtmp.idleTimeout
        return settings
    }

    package var webSettings: WebSettings {
        var settings = WebSettings()
        settings.maximumHead = http.maximumHead
        settings.headTimeout = http.headTimeout
        settings.idleTimeout = http.idleTimeout
        settings.stallTimeout = http.stallTimeout
        return settings
    }
}

extension TLSSettings {
    /// The two files, where they are set.
    var files: TLSFiles? {
        guard let certificate, let key else { return nil }
        return TLSFiles(certificates: certificate, key: key)
    }
}
