// SPDX-License-Identifier: Apache-2.0

public import Identity

/// What the control API asks of its node. Any thread may call.
public protocol ControlNode: Sendable {
    /// All streams, by id.
    func streams() -> [StreamStatus]
    /// One stream; nil where there is none.
    func stream(_ id: StreamID) -> StreamStatus?
    /// The viewer sessions of a stream; nil where there is none.
    func viewers(of id: StreamID) -> [ViewerStatus]?
    /// Cuts the publisher and ends the stream. Returns whether there was one.
    func stop(_ id: StreamID) -> Bool
    /// Cuts the publisher, ends the stream, and has the CDN forget it; nil where nothing is known of it.
    func takeDown(_ id: StreamID) -> TakedownAnswer?
    /// The state of the node.
    func status() -> NodeStatus
    /// All metrics as Prometheus text.
    func metrics() -> String
    /// Why the node is not ready, by subject; all `ok` where it is.
    func checks() -> [String: String]
    /// What the node uses and can do without, by subject: `ok`, or what is wrong with it.
    func dependencies() -> [String: String]
    /// The node's part in a cluster; nil where it is alone.
    var cluster: (any ClusterDesk)? { get }
    /// The recordings of the node's object store; nil where it has none.
    var recordings: (any RecordingDesk)? { get }
    /// Who leads shares of an audience.
    var steering: any AudienceDesk { get }
    /// Who makes streams of plain RTP; nil where the node takes none, or no publishers.
    var rtp: (any RTPFeeder)? { get }
    /// What the page needs to play a stream, or any, and to explain how to publish.
    func player(of stream: StreamID?) -> PlayerStatus
    /// The RTMP port that publish URLs name; nil where the node takes no publishers.
    var rtmpPort: Int? { get }
    /// hls.js, where it is served from here.
    var hlsScript: [UInt8]? { get }
}
