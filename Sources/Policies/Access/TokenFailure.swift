// SPDX-License-Identifier: Apache-2.0

/// Why a token was refused. Says nothing that the bearer of the token does not know, and bears nothing of the token.
public enum TokenFailure: Error, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// Not the text of a token: wrong length or alphabet.
    case malformed
    /// Not written with our secret, or changed since.
    case forged
    /// Ours, but for another stream.
    case wrongStream
    /// Ours and for this stream, but its time is over.
    case expired

    /// A sentence for the refused party.
    public var description: String {
        switch self {
        case .malformed: "the token is not well-formed"
        case .forged: "the token is not valid"
        case .wrongStream: "the token is for another stream"
        case .expired: "the token has expired"
        }
    }
}
