// SPDX-License-Identifier: Apache-2.0

/// Why a session or a subscriber is not taken.
public enum SessionFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no such session.
    case unknownSession
    /// There is no such subscriber.
    case unknownSubscriber
    /// Another session has this SSRC.
    case sourceIsTaken
    /// The node has as many sessions as it may.
    case tooManySessions
    /// The session has as many subscribers as it may.
    case tooManySubscribers
    /// Too many subscribers have not answered yet.
    case tooManyAsked

    /// In the words of the caller.
    public var description: String {
        switch self {
        case .unknownSession: "there is no such session"
        case .unknownSubscriber: "the session has no such subscriber"
        case .sourceIsTaken: "another session has this SSRC"
        case .tooManySessions: "the node has as many sessions as it may"
        case .tooManySubscribers: "the session has as many subscribers as it may"
        case .tooManyAsked: "too many subscribers have not yet said that they want packets"
        }
    }
}
