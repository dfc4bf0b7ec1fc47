// SPDX-License-Identifier: Apache-2.0

public import Access
public import Identity
public import RTP
public import Replica
public import Transport
public import WebRTC

/// Who asks for a session, as far as it decides whether he gets one.
public struct SignalingCaller: Sendable {
    /// The stream.
    public let stream: StreamID
    /// The bearer's token, or the one in the query; without the `~` of viewers' tokens.
    public let token: String?
    /// The other end of the HTTP connection.
    public let peer: PeerAddress
    /// The last address of X-Forwarded-For, as a proxy wrote it; nil for none.
    public let forwardedFor: String?
    /// The region that a proxy names; nil for none.
    public let region: String?
    /// What is known of the connection.
    public let caller: Caller
    /// The request's path, as it came.
    public let path: String
    /// The request's query, as it came.
    public let query: String
}

/// Where viewers come in: the edge and the router of this node.
public protocol ViewerDoor: Sendable {
    /// Whether the caller may watch, and where.
    func admit(_ caller: SignalingCaller) -> ViewerAdmission
    /// Counts a viewer in. Returns false where the node has as many as it may have.
    func welcome(_ viewer: UInt64, to replica: StreamReplica) -> Bool
    /// Counts a viewer out.
    func farewell(_ viewer: UInt64, from replica: StreamReplica)
}

/// What became of a viewer's wish.
public enum ViewerAdmission: Sendable {
    /// The stream is served here.
    case here(StreamReplica)
    /// It is not, and this is the answer.
    case stop(SignalingCircumstance)
}

/// Where publishers come in: the origin of this node.
public protocol PublisherDoor: Sendable {
    /// Whether the caller may publish here; ``SignalingCircumstance/ready`` where he may.
    func circumstance(of caller: SignalingCaller) -> SignalingCircumstance
    /// Lets the publisher in.
    /// - Parameters:
    ///   - cut: ends the publisher's session; may be called from any thread, more than once.
    ///   - ask: asks the publisher for a random access point; the same.
    func open(
        _ caller: SignalingCaller, cut: @escaping @Sendable () -> Void, ask: @escaping @Sendable () -> Void
    ) -> PublisherAdmission
}

/// What became of a publisher's wish.
public enum PublisherAdmission: Sendable {
    /// Its media goes here.
    case open(any MediaIntake)
    /// It is not let in, and this is the answer.
    case stop(SignalingCircumstance)
}

/// Where one publisher's media goes. Called on one thread, but for `leave` of a session that never connected.
public protocol MediaIntake: Sendable {
    /// Takes what packets held. Returns false where the publisher has lost its right.
    func take(_ events: [MediaFromRTP.Event]) -> Bool
    /// The publisher is gone.
    func leave()
}
