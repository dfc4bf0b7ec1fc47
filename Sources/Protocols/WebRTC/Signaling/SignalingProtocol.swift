// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Which of the two protocols an endpoint speaks. They share all but who sends.
public enum SignalingProtocol: String, Hashable, Sendable, CaseIterable {
    /// A viewer comes (draft-ietf-wish-whep).
    case whep
    /// A publisher comes (RFC 9725).
    case whip
}

/// What stands in the way of a new session, as the role knows it.
public enum SignalingCircumstance: Hashable, Sendable {
    /// Nothing.
    case ready
    /// The token is missing or not good; with the reason.
    case unauthorized(String)
    /// The token is good and not for this; with the reason.
    case forbidden(String)
    /// Another node serves the stream: the absolute URL of the endpoint there.
    case elsewhere(String)
    /// Somebody else publishes the stream.
    case nameTaken
    /// Nobody publishes the stream.
    case noSource(retryAfter: Duration)
    /// The caller asks too often.
    case rateLimited(retryAfter: Duration)
    /// The node has as many sessions as it may have, or is about to leave.
    case overloaded(retryAfter: Duration)
    /// There can be no such stream; with the reason.
    case unknownStream(String)
}

/// The limits of requests.
public struct SignalingSettings: Hashable, Sendable {
    /// Limits of offers.
    public var offer = SDPLimits()
    /// Limits of fragments.
    public var fragment: SDPLimits
    /// How many PATCH a session may send in a second.
    public var patchesPerSecond = 10

    /// The defaults.
    public init() {
        fragment = SDPLimits()
        fragment.length = .kibibytes(16)
    }
}
