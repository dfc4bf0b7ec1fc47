// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// A message's type, RTMP 1.0 §5.4, §7.1; any byte, known or not.
public struct MessageType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The byte on the wire.
    public let rawValue: UInt8
    /// A type of its byte.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    static let setChunkSize = MessageType(rawValue: 1)
    static let abort = MessageType(rawValue: 2)
    static let acknowledgement = MessageType(rawValue: 3)
    static let userControl = MessageType(rawValue: 4)
    static let windowAcknowledgementSize = MessageType(rawValue: 5)
    static let setPeerBandwidth = MessageType(rawValue: 6)
    /// Audio, an FLV audio tag's body.
    public static let audio = MessageType(rawValue: 8)
    /// Video, an FLV video tag's body.
    public static let video = MessageType(rawValue: 9)
    static let dataAMF3 = MessageType(rawValue: 15)
    static let commandAMF3 = MessageType(rawValue: 17)
    /// Data in AMF0, an FLV script tag's body.
    public static let data = MessageType(rawValue: 18)
    /// A command in AMF0.
    public static let command = MessageType(rawValue: 20)
    static let aggregate = MessageType(rawValue: 22)

    /// The number.
    public var description: String { String(rawValue) }

    /// Whether its bytes are media or data of a stream, which count as life.
    var isMedia: Bool {
        switch self {
        case .audio, .video, .data, .dataAMF3, .aggregate: true
        default: false
        }
    }
}

/// One RTMP message, put together from its chunks.
public struct Message: Hashable, Sendable {
    /// What it is.
    public let type: MessageType
    /// Milliseconds, modulo 2^32.
    public let timestamp: UInt32
    /// The message stream; 0 belongs to the connection.
    public let stream: UInt32
    /// The payload.
    public let body: ByteSlice

    /// A message of its parts.
    public init(type: MessageType, timestamp: UInt32, stream: UInt32, body: ByteSlice) {
        self.type = type
        self.timestamp = timestamp
        self.stream = stream
        self.body = body
    }
}
