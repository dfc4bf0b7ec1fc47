// SPDX-License-Identifier: Apache-2.0

/// What a viewer asks a server for.
public struct HLSRequest: Hashable, Sendable {
    /// What is asked for.
    public enum Kind: Hashable, Sendable {
        /// An init section.
        case initSection
        /// A part.
        case part
        /// A playlist; whether the server is asked to hold it until there is something new.
        case playlist(isBlocking: Bool)
        /// A playlist, only to see whether the server still answers.
        case probe
        /// A whole segment.
        case segment
        /// A steering manifest.
        case steering
    }

    /// What is asked for.
    public let kind: Kind
    /// Where.
    public let address: HTTPAddress
    /// Whether the answer's body must be read, not only counted.
    public let wantsBody: Bool

    /// A request of its parts.
    public init(_ kind: Kind, _ address: HTTPAddress, wantsBody: Bool) {
        self.kind = kind
        self.address = address
        self.wantsBody = wantsBody
    }
}

/// How a viewer's requests fail.
public enum HLSFault: String, Hashable, Sendable, CaseIterable {
    /// The connection was refused, or ended before the answer did.
    case connection
    /// No socket on this machine.
    case machine
    /// The answer is no HTTP, or the playlist no playlist.
    case malformed
    /// Media that the viewer needed had left the playlist before it was fetched, or could not be had.
    case missed
    /// More redirects than anybody follows.
    case redirects
    /// A status of 400 to 499 once the stream had begun.
    case refused
    /// A status of 500 and more.
    case server
    /// No answer in time.
    case timeout
    /// A URI of another scheme, or a status that is none of these.
    case unexpected
}
