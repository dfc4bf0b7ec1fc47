// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// What a media message carries; the value is the type of its FLV tag.
public enum MediaKind: UInt8, Hashable, Sendable {
    case audio = 8
    case video = 9
    /// Script data in AMF0, such as `onMetaData`.
    case data = 18

    var messageType: MessageType { MessageType(rawValue: rawValue) }
}

/// A message of a stream as it came: an FLV tag's body and its time.
public struct MediaMessage: Hashable, Sendable {
    /// What it carries.
    public let kind: MediaKind
    /// Milliseconds on the publisher's clock, modulo 2^32.
    public let timestamp: UInt32
    /// The body of the FLV tag.
    public let body: ByteSlice

    /// A message of its parts.
    public init(kind: MediaKind, timestamp: UInt32, body: ByteSlice) {
        self.kind = kind
        self.timestamp = timestamp
        self.body = body
    }
}

/// A message of a stream to be sent: a tag's first bytes, and a payload that is still shared with where it came from.
public struct MediaTag: Hashable, Sendable {
    /// What it carries.
    public let kind: MediaKind
    /// Milliseconds, modulo 2^32.
    public let timestamp: UInt32
    /// What the body begins with.
    public let header: [UInt8]
    /// What follows.
    public let payload: ByteSlice

    /// A tag of its parts.
    public init(kind: MediaKind, timestamp: UInt32, header: [UInt8], payload: ByteSlice) {
        self.kind = kind
        self.timestamp = timestamp
        self.header = header
        self.payload = payload
    }

    /// The longest body, in bytes: its length is written in 24 bits, by chunks and by FLV.
    public static let maximumLength = 1 << 24 - 1

    /// The tag that a message was, to be sent on unchanged.
    public init(_ message: MediaMessage) {
        self.init(kind: message.kind, timestamp: message.timestamp, header: [], payload: message.body)
    }

    /// The tag as one message, its parts copied together.
    public var message: MediaMessage {
        MediaMessage(kind: kind, timestamp: timestamp, body: (header + payload)[...])
    }
}
