// SPDX-License-Identifier: Apache-2.0

/// What a viewer asks its server for.
public struct HLSRequest: Hashable, Sendable {
    /// What is asked for.
    public enum Kind: Hashable, Sendable {
        /// An init section.
        case initSection
        /// A part.
        case part
        /// A playlist; whether the server is asked to hold it until there is something new.
        case playlist(isBlocking: Bool)
        /// A whole segment.
        case segment
    }

    /// What is asked for.
    public let kind: Kind
    /// Path and query.
    public let path: String

    /// A request of its parts.
    public init(_ kind: Kind, _ path: String) {
        self.kind = kind
        self.path = path
    }

    /// Whether the answer's body must be read, not only counted.
    public var wantsBody: Bool {
        if case .playlist = kind { true } else { false }
    }
}

/// How a viewer's requests fail.
public enum HLSFault: String, Hashable, Sendable, CaseIterable {
    /// The connection was refused, or ended before the answer did.
    case connection
    /// The answer is no HTTP, or the playlist no playlist.
    case malformed
    /// Media that the viewer needed had left the playlist before it was fetched.
    case missed
    /// A status of 400 to 499 once the stream had begun.
    case refused
    /// A status of 500 and more.
    case server
    /// No answer in time.
    case timeout
    /// A URI on another server, or a status that is none of these.
    case unexpected
}
