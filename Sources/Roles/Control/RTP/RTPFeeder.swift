// SPDX-License-Identifier: Apache-2.0

public import Identity

/// Who makes streams of plain RTP, as the control API asks it. Any thread may call.
public protocol RTPFeeder: Sendable {
    /// Makes a stream of what a session description says.
    /// - Parameters:
    ///   - sources: the synchronization source of each medium in turn, where the caller names them.
    ///   - sender: where the packets come from, as an address and a port; nil for whoever sends first.
    func feed(
        _ stream: StreamID, description: [UInt8], sources: [UInt32], sender: String?
    ) -> Result<FeedAnswer, FeedRefusal>
    /// Ends such a stream. Returns whether there was one.
    func endFeed(of stream: StreamID) -> Bool
}

/// A stream that is made of plain RTP.
public struct FeedAnswer: Encodable, Sendable {
    /// The stream's name as the API writes it.
    public let streamKey: String
    /// The UDP port to which the packets are to be sent.
    public let port: Int
    /// The sessions, in the order of the description.
    public let tracks: [Track]

    /// One medium.
    public struct Track: Encodable, Sendable {
        /// `audio` or `video`.
        public let kind: String
        /// The encoding's name.
        public let codec: String
        /// The synchronization source.
        public let ssrc: UInt32
        /// The session of the gRPC API.
        public let sessionId: String

        /// A track of its parts.
        public init(kind: String, codec: String, ssrc: UInt32, sessionId: String) {
            self.kind = kind
            self.codec = codec
            self.ssrc = ssrc
            self.sessionId = sessionId
        }
    }

    /// An answer of its parts.
    public init(stream: StreamID, port: Int, tracks: [Track]) {
        streamKey = stream.apiKey
        self.port = port
        self.tracks = tracks
    }
}

/// Why no stream is made of plain RTP, each in a sentence.
public enum FeedRefusal: Error, Hashable, Sendable {
    /// The description, or what the query adds to it, can not be read.
    case malformed(String)
    /// Somebody else has the name, or a source.
    case taken(String)
    /// There are as many as there may be.
    case tooMany(String)
    /// The node can not, at the moment.
    case unavailable(String)
    /// It was read, and no stream can be made of it.
    case unsupported(String)
}
