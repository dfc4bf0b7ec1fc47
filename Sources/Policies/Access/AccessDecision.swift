// SPDX-License-Identifier: Apache-2.0

public import Identity

/// The answer to a publisher.
public enum PublishDecision: Hashable, Sendable {
    /// May publish, and is to be remembered by this.
    case allow(PublisherIdentity)
    /// May not.
    case refuse(AccessRefusal)
}

/// The answer to a publisher who may publish, but finds the name live.
public enum ReplaceDecision: Hashable, Sendable {
    /// Nobody is there.
    case start
    /// It is the same publisher, back before its old connection was missed: cut that one and go on in the same term.
    case resume
    /// It is another, and settings let it: cut the old connection.
    case takeOver
    /// It is another.
    case refuse
}

/// The answer to a viewer.
public enum ViewerDecision: Hashable, Sendable {
    /// May watch; with the session if a good token was shown.
    case allow(ViewerID?)
    /// May not.
    case refuse(AccessRefusal)
}

/// The answer to a viewer who begins at a router.
public enum SessionDecision: Equatable, Sendable {
    /// May watch, by URLs with this token.
    case allow(ViewerToken)
    /// May not.
    case refuse(AccessRefusal)
}

/// The answer to a caller of the control API.
public enum ControlDecision: Hashable, Sendable {
    /// May act, in this role.
    case allow(ControlRole)
    /// May not.
    case refuse(AccessRefusal)
}

/// Why somebody may not enter; bears no secret.
public enum AccessRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// A token is needed and none was shown. HTTP 401.
    case tokenMissing
    /// The token was not good. HTTP 401, or 403 to a viewer.
    case token(TokenFailure)
    /// The token is good, but of a lower role than is needed. HTTP 403.
    case roleTooLow(needed: ControlRole)

    /// A sentence for the refused party.
    public var description: String {
        switch self {
        case .tokenMissing: "a token is needed"
        case .token(let failure): failure.description
        case .roleTooLow(let needed): "the token must be of the role \(needed)"
        }
    }
}
