// SPDX-License-Identifier: Apache-2.0

public import Identity

/// A peer's wish to publish.
public struct PublishRequest: Hashable, Sendable {
    /// Where.
    public let address: StreamAddress

    /// The stream it names.
    public func streamID() throws(StreamID.Failure) -> StreamID { try address.streamID() }
}

/// A peer's wish to play.
public struct PlayRequest: Hashable, Sendable {
    /// What.
    public let address: StreamAddress

    /// The stream it names.
    public func streamID() throws(StreamID.Failure) -> StreamID { try address.streamID() }
}

/// Why a session refuses to publish or play; the text is shown to the person at the encoder.
public enum RefusalReason: Hashable, Sendable {
    /// Somebody else publishes there.
    case busy(String)
    /// The key or token is missing or wrong, or the name is none.
    case denied(String)
    /// There is no such stream.
    case notFound(String)

    /// The text for a person.
    public var text: String {
        switch self {
        case .busy(let text), .denied(let text), .notFound(let text): text
        }
    }
}

/// Why a session ends its connection.
public enum CloseReason: Hashable, Sendable {
    /// A deadline passed.
    case timedOut(Deadline)
    /// `refusePublish` or `refusePlay` was called.
    case refused
    /// `close` was called.
    case requested

    /// The deadlines of a session.
    public enum Deadline: String, Hashable, Sendable {
        /// The handshake was not over in time.
        case handshake
        /// No `publish` or `play` in time.
        case command
        /// A publisher without media.
        case publish
        /// A player that answers no ping.
        case play
    }

    /// A stable label to count the reason under.
    public var counterName: String {
        switch self {
        case .timedOut(let deadline): "timeout_\(deadline.rawValue)"
        case .refused: "refused"
        case .requested: "requested"
        }
    }
}
