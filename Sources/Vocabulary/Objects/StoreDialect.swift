// SPDX-License-Identifier: Apache-2.0

public import Media

/// How one kind of object store is spoken to: operations into requests, answers into outcomes.
///
/// A value without a socket and without a clock. Whoever has both asks ``credentialRequest(now:)`` first, then sends
/// ``request(for:now:)`` and hands the answer to ``outcome(of:answer:)``.
public protocol StoreDialect: Sendable {
    /// What must be sent before anything else, to get or to renew what requests are signed with; nil where nothing is
    /// needed now.
    func credentialRequest(now: WallTime) -> OutboundRequest?

    /// Keeps what came of a credential request.
    mutating func receiveCredentials(_ answer: OutboundAnswer, now: WallTime) throws(StoreFailure)

    /// Drops what requests are signed with: the store does not take it any more.
    mutating func forgetCredentials()

    /// The signed request for an operation.
    func request(for operation: ObjectOperation, now: WallTime) -> OutboundRequest

    /// What the answer to an operation's request says.
    func outcome(of operation: ObjectOperation, answer: OutboundAnswer) throws(StoreFailure) -> ObjectOutcome
}

extension StoreDialect {
    /// Nothing: most stores are signed to with a secret that does not change.
    public func credentialRequest(now: WallTime) -> OutboundRequest? { nil }

    /// Nothing was asked for.
    public mutating func receiveCredentials(_ answer: OutboundAnswer, now: WallTime) throws(StoreFailure) {}

    /// There is nothing to drop.
    public mutating func forgetCredentials() {}
}
