// SPDX-License-Identifier: Apache-2.0

/// Who counts what happens to connections. Called on event loops: it must not block.
public protocol TransportObserver: Sendable {
    /// A connection was admitted.
    func connectionAccepted()
    /// An admitted connection has ended.
    func connectionClosed()
    /// A connection was closed before its first byte.
    func connectionRefused(_ reason: ConnectionRefusal)
    /// A TLS handshake did not come to its end.
    func handshakeFailed(_ reason: HandshakeFailure)
}

/// Why a connection was not admitted.
public enum ConnectionRefusal: Sendable, Hashable, CaseIterable {
    /// The listener is closing.
    case stopping
    /// More different addresses came within two seconds than the table of rates holds.
    case tooManyAddresses
    /// The listener has as many connections as it may have.
    case tooManyConnections
    /// This address opened too many connections within the last second.
    case tooManyFromAddress
    /// The peer was gone before it could be looked at.
    case vanished
}

/// Why a TLS handshake failed.
public enum HandshakeFailure: Error, Sendable, Hashable, CaseIterable {
    /// The peer spoke something else, or offered nothing that we accept.
    case refused
    /// It was not complete in time.
    case timeout
}
