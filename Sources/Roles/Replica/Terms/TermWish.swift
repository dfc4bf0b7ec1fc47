// SPDX-License-Identifier: Apache-2.0

public import Identity
public import Relay

/// A term that a node wants, or wants to be sure of.
public struct TermWish: Sendable {
    /// What is held of the stream, and goes on in the term.
    public let replica: StreamReplica
    /// Why.
    public let purpose: TermSession.Purpose
    /// The highest term known of the stream.
    public let known: Term?
    /// Who is asked, those first from whom the window is copied first.
    public let peers: [RelayParent]
    /// How many of whom must agree.
    public let quorum: TermSession.Quorum
    /// Which of them are worth waiting for, as of now: see ``TermSession/essential``. Called on an event loop, often.
    public let essential: @Sendable () -> Set<NodeID>
    /// Whether this node itself is the stream's gateway or standby, with what was acknowledged.
    public let isHolder: Bool
    /// Whether the term is still of use: not once the stream was given up to somebody who asked meanwhile. Called on an
    /// event loop, often.
    public let isWanted: @Sendable () -> Bool

    /// A wish of its parts.
    public init(
        _ replica: StreamReplica, for purpose: TermSession.Purpose, above known: Term?, asking peers: [RelayParent],
        quorum: TermSession.Quorum, essential: @escaping @Sendable () -> Set<NodeID> = { [] }, isHolder: Bool = false,
        isWanted: @escaping @Sendable () -> Bool = { true }
    ) {
        self.replica = replica
        self.purpose = purpose
        self.known = known
        self.peers = peers
        self.quorum = quorum
        self.essential = essential
        self.isHolder = isHolder
        self.isWanted = isWanted
    }
}
