// SPDX-License-Identifier: Apache-2.0

import Cluster
import Foundation
import Identity
import Media

/// The cluster of a node that is alone: its one member, and the streams that it has.
struct LoneDesk: ClusterDesk {
    private let status: NodeStatus
    private let streams: [StreamStatus]
    private let node: NodeID

    /// What `node` says of itself now.
    init(_ node: any ControlNode) {
        status = node.status()
        streams = node.streams()
        self.node = NodeID(parsing: status.node.lowercased()) ?? .local
    }

    func view() -> ClusterView {
        let nowhere = Endpoint(address: .v4(0), port: 0)
        let description = NodeDescription(
            id: node, roles: NodeRoles(names: status.roles), gossip: nowhere, capacity: 0,
            isDraining: status.state == "draining")
        let entries = streams.map { ($0.id, entry(of: $0)) }
        return ClusterView(
            node: node, version: 0,
            members: [Member(description: description, incarnation: incarnation, health: .alive)],
            streams: Dictionary(entries) { $1 }, regions: [:])
    }

    func loads() -> [LoadReport] {
        let audiences = streams.map { stream in
            StreamAudience(key: RankingKey(stream.id), viewers: UInt32(clamping: stream.viewers), kilobits: 0)
        }
        return [
            LoadReport(
                node: node, sequence: 0, egress: UInt64(max(0, status.traffic.bitsOutPerSecond)),
                processor: UInt16(clamping: Int(status.processor * 1000)),
                viewers: UInt32(clamping: status.viewers), streams: audiences)
        ]
    }

    func ranking(of stream: StreamID) -> [RankedNode] {
        [RankedNode(node, isInEdgeSet: true, isWarm: streams.contains { $0.id == stream })]
    }

    func tree(of stream: StreamID) -> [TreeBranch] {
        streams.contains { $0.id == stream } ? [TreeBranch(node, in: .local, as: .gateway, from: nil)] : []
    }

    func events(after number: UInt64) -> [ClusterEvent] { [] }
    func drain(_ node: NodeID, within deadline: Duration) async -> DrainOutcome { .alone }
    func keys() -> [ClusterKeyStatus] { [] }
    func order(_ change: ClusterKeyChange) -> ClusterKeyOutcome { .refused(.alone) }

    /// The incarnation of a node that booted when this one did.
    private var incarnation: UInt64 {
        let boot = try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(status.startedAt)
        return UInt64(max(0, (boot?.timeIntervalSince1970 ?? 0) * 1000)) << 8
    }

    private func entry(of stream: StreamStatus) -> StreamEntry {
        StreamEntry(
            stream: stream.id, term: stream.term, gateway: node, region: .local, state: stream.directoryState,
            publisher: 0, variants: stream.renditions.compactMap(\.variant))
    }
}

extension StreamStatus {
    /// The state as the directory would have it.
    fileprivate var directoryState: StreamState {
        switch state {
        case .connecting, .live: .live
        case .idle: .absent
        case .stopped, .stopping: .ended
        }
    }
}

extension RenditionStatus {
    /// The rendition as the directory would have it.
    fileprivate var variant: StreamVariant? {
        RenditionName(parsing: name).map { name in
            StreamVariant(
                rendition: name, peakBandwidth: UInt32(clamping: bandwidth),
                averageBandwidth: UInt32(clamping: averageBandwidth), codecs: codecs,
                width: UInt16(clamping: width ?? 0), height: UInt16(clamping: height ?? 0),
                frameRate: UInt32(clamping: Int((frameRate ?? 0) * 1000)))
        }
    }
}
