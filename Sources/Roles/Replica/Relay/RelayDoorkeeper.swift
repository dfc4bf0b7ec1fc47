// SPDX-License-Identifier: Apache-2.0

public import Identity
public import Relay

/// Decides who is served. Called on event loops: it must not block.
public protocol RelayDoorkeeper: Sendable {
    /// What becomes of a subscription by `node`.
    func verdict(on request: RelayRequest, by node: NodeID) -> RelayVerdict
    /// Whether those who subscribed to a stream here are to go on elsewhere.
    func isLeaving(_ stream: StreamID) -> Bool
    /// A standby holds more of a stream whose gateway this node is.
    func holder(_ node: NodeID, of stream: StreamID, said acknowledgement: RelayPublisherSession.Acknowledgement)
    /// A standby is lost.
    func lostHolder(_ node: NodeID, of stream: StreamID)
    /// What this node holds of a stream, from which on it refuses terms lower than `term`.
    func answer(_ stream: StreamID, term: Term) -> TermAnswer
}

/// What becomes of a subscription.
public enum RelayVerdict: Hashable, Sendable {
    /// It is served.
    case accept
    /// Another node serves it.
    case redirect(RelayParent)
    /// It is not served.
    case refuse(RelayRefusal)
}
