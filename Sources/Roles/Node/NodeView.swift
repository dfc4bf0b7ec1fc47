// SPDX-License-Identifier: Apache-2.0

import Access
import Cluster
import Control
import Feed
import Glibc
import HLS
import Identity
import Media
import NIOCore
import Origin
import RealTime
import Replica
import Synchronization
import Telemetry
import Transport
import WebServer

/// The node as the control API sees it.
final class NodeView: ControlNode {
    private let node: NodeAssembly
    let rtmpPort: Int?
    private let listeners = Mutex<Listeners?>(nil)

    init(_ node: NodeAssembly, rtmpPort: Int?) {
        self.node = node
        self.rtmpPort = rtmpPort
    }

    /// Says what is open, once it is.
    func attach(_ listeners: Listeners) { self.listeners.withLock { $0 = listeners } }

    func streams() -> [StreamStatus] {
        node.replicas.all.sorted { $0.id < $1.id }.map { status(of: $0) }
    }

    func stream(_ id: StreamID) -> StreamStatus? { node.replicas[id].map { status(of: $0) } }

    func viewers(of id: StreamID) -> [ViewerStatus]? {
        guard let replica = node.replicas[id] else { return nil }
        let (now, wall) = (SystemClock.now(), SystemClock.wall())
        return replica.viewers.sorted { $0.startedAt < $1.startedAt }.map { session in
            let age = now - session.startedAt
            return ViewerStatus(
                id: session.id, protocol: session.kind.rawValue, startedAt: wall.advanced(by: .zero - age), age: age,
                bytesSent: session.bytesSent)
        }
    }

    func stop(_ id: StreamID) -> Bool { node.streams.end(id, reason: .stopped) }

    func takeDown(_ id: StreamID) -> TakedownAnswer? {
        let isEnded = stop(id)
        // What has long ended is with the CDN still.
        let isAsked = node.delivery?.purge(id) ?? false
        guard isEnded || isAsked || node.replicas[id] != nil else { return nil }
        return TakedownAnswer(id, ended: isEnded, purging: isAsked)
    }

    func metrics() -> String { String(decoding: node.metrics.registry.text(), as: UTF8.self) }

    func checks() -> [String: String] {
        let isOpen = listeners.withLock { $0 != nil }
        let state =
            isOpen ? (node.streams.isClosing || node.cluster?.isDraining ?? false ? "draining" : "ok") : "starting"
        return ["segmenter": "ok", "streamManager": state]
    }

    func dependencies() -> [String: String] {
        var found: [String: String] = [:]
        if let arbiter = node.arbiter {
            let fenced = "unreachable, and others reach it: nothing is appended"
            found["redis"] = arbiter.isReachable ? "ok" : arbiter.isFenced ? fenced : "unreachable"
        }
        if let recording = node.recording { found["storage"] = recording.trouble ?? "ok" }
        return found
    }

    func player(of stream: StreamID?) -> PlayerStatus {
        let settings = node.settings
        let reach = stream.map { settings.rewindReach(of: $0) } ?? settings.rewindReach
        let script = node.script.map { PlayerStatus.Script(url: $0.url, integrity: $0.integrity) }
        return PlayerStatus(
            script: script, node: node.name, version: MillraceVersion.text, rtmpPort: rtmpPort,
            tokenNeeded: settings.access.publish == .token, reach: reach)
    }

    var hlsScript: [UInt8]? { node.script?.bytes }

    var cluster: (any ClusterDesk)? { node.cluster.map { GossipDesk($0, secret: node.policy.secret) } }

    var recordings: (any RecordingDesk)? { node.recording?.desk { [node] in node.isLive($0) } }

    var steering: any AudienceDesk { SteeringAudience(desk: node.steering, cluster: node.cluster) }

    var rtp: (any RTPFeeder)? {
        guard node.settings.roles.contains(.origin), let part = listeners.withLock({ $0?.plainRTP }) else { return nil }
        return OriginFeeder(node, streams: part.streams)
    }

    func status() -> NodeStatus {
        let states = streams().map(\.state)
        let open = listeners.withLock { $0 }
        let rates = node.traffic.rates
        return NodeStatus(
            node: node.name, version: MillraceVersion.text,
            state: node.streams.isClosing ? "draining" : "running", roles: node.settings.roles.names,
            startedAt: node.startedAt.description, uptimeSeconds: (SystemClock.now() - node.startTime).seconds,
            streams: NodeStatus.Streams(states), publishers: node.streams.publisherCount,
            viewers: node.replicas.all.reduce(0) { $0 + $1.viewerCount },
            connections: NodeStatus.Connections(
                rtmp: (open?.rtmp.connections ?? 0) + (open?.rtmps?.connections ?? 0),
                http: open?.http.connections ?? 0),
            traffic: NodeStatus.Traffic(bitsIn: rates.bitsIn, bitsOut: rates.bitsOut),
            processor: rates.processor, memoryBytes: ProcessFacts.residentMemory, listeners: open?.described ?? [])
    }

    private func status(of replica: StreamReplica) -> StreamStatus {
        let live = node.streams[replica.id].flatMap { $0.replica === replica ? $0 : nil }
        let state: StreamPhase =
            switch (live, replica.isPlayable) {
            case (nil, _): .stopped
            case (_, false): .connecting
            case (let live?, true): live.publisherAge == nil ? .idle : .live
            }
        let began = live?.startedAt ?? replica.createdAt
        return StreamStatus(
            id: replica.id, state: state, startedAt: began,
            age: .milliseconds(SystemClock.wall().milliseconds - began.milliseconds),
            publisherAge: live?.publisherAge, isPlayable: replica.isPlayable, viewers: replica.viewerCount,
            tracks: replica.parameters?.tracks ?? [], metadata: live?.metadata ?? [:], term: replica.term,
            renditions: replica.variants.map { variant in
                RenditionStatus(
                    variant.rendition, of: replica.id, bandwidth: variant.peakBandwidth,
                    averageBandwidth: variant.averageBandwidth, codecs: variant.codecs,
                    size: variant.resolution, frameRate: variant.frameRate)
            })
    }
}

extension Listeners {
    /// Each listener as the API names it.
    var described: [NodeStatus.Listener] {
        let all = [
            (isSecured ? "https" : "http", http.address), ("rtmp", rtmp.address), ("rtmps", rtmps?.address),
        ]
        let tcp = all.compactMap { name, address in address.map { NodeStatus.Listener(name, at: $0.shown) } }
        return tcp + (realTime.map { [NodeStatus.Listener("webrtc", at: "\($0.local)/udp")] } ?? [])
    }
}

extension SocketAddress {
    /// `address:port`, IPv6 in brackets.
    var shown: String {
        let host = ipAddress ?? "?"
        return (host.contains(":") ? "[\(host)]" : host) + ":\(port ?? 0)"
    }
}
