// SPDX-License-Identifier: Apache-2.0

public import Identity

/// Who has the last word on terms before anything is appended in them. Any thread may call.
///
/// A gateway claims each term once, before the question to its peers and so before its first append, and releases it when
/// it stops. Without an arbiter every claim is good at once: the promises of those who are asked are then all there is.
public protocol TermClaims: Sendable {
    /// Claims `term`; calls `answer` once, on any thread, soon: a publisher waits.
    func claim(_ stream: StreamID, _ term: Term, answer: @escaping @Sendable (TermClaim) -> Void)
    /// The node appends to `stream` in `term` no more.
    func release(_ stream: StreamID, _ term: Term)
}

/// What becomes of a claim.
public enum TermClaim: Hashable, Sendable {
    /// The term is this node's.
    case granted
    /// A higher one is known: a publisher's origin claims one above it, anybody else gives up.
    case refused(higher: Term)
}

/// Claims by gossip alone.
public struct GossipClaims: TermClaims {
    /// Nobody to ask.
    public init() {}

    /// Grants it at once.
    public func claim(_ stream: StreamID, _ term: Term, answer: @escaping @Sendable (TermClaim) -> Void) {
        answer(.granted)
    }

    /// Nobody is told.
    public func release(_ stream: StreamID, _ term: Term) {}
}
