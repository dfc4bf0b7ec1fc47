// SPDX-License-Identifier: Apache-2.0

/// Why a DTLS session ended other than by being closed. Each is a counter.
public enum DTLSFailure: Error, Hashable, Sendable, CaseIterable {
    /// The peer refused us: a fatal alert came.
    case alert
    /// The peer's certificate is not the one that its SDP names.
    case fingerprint
    /// What the peer sent is no handshake that can go on; it was told so by an alert.
    case handshake
    /// The peer knows none of the SRTP profiles.
    case noProfile
    /// The handshake did not end in time.
    case timedOut
}
