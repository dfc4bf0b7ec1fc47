// SPDX-License-Identifier: Apache-2.0

import Cluster
import Control
import Identity

/// A node without streams, in the cluster of a desk or in none.
struct FakeNode: ControlNode {
    var cluster: (any ClusterDesk)?

    var rtp: (any RTPFeeder)? { nil }

    func streams() -> [StreamStatus] { [] }
    func stream(_ id: StreamID) -> StreamStatus? { nil }
    func viewers(of id: StreamID) -> [ViewerStatus]? { nil }
    func stop(_ id: StreamID) -> Bool { false }
    func takeDown(_ id: StreamID) -> TakedownAnswer? { nil }
    func status() -> NodeStatus {
        NodeStatus(
            node: "Not A Name", version: "v", state: "running", roles: ["edge"], startedAt: "", uptimeSeconds: 0,
            streams: NodeStatus.Streams([]), publishers: 0, viewers: 0,
            connections: NodeStatus.Connections(rtmp: 0, http: 0), traffic: NodeStatus.Traffic(bitsIn: 0, bitsOut: 0),
            processor: 0, memoryBytes: 0, listeners: [])
    }
    func metrics() -> String { "" }
    func dependencies() -> [String: String] { [:] }
    func checks() -> [String: String] { ["streamManager": "ok"] }
    func player(of stream: StreamID?) -> PlayerStatus {
        PlayerStatus(script: nil, node: "n", version: "v", rtmpPort: nil, tokenNeeded: true)
    }
    var rtmpPort: Int? { nil }
    var recordings: (any RecordingDesk)? { nil }
    var hlsScript: [UInt8]? { nil }
    var steering: any AudienceDesk { Nobody() }

    private struct Nobody: AudienceDesk {
        var isOn: Bool { false }
        func orders() -> [SteeringOrder] { [] }
        func take(_ order: SteeringOrder) -> Bool { false }
    }
}
