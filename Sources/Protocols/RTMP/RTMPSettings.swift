// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// The limits and deadlines of one RTMP connection.
public struct RTMPSettings: Hashable, Sendable {
    /// The longest video or aggregate message. 4K key frames pass 1 MiB; what is longer ends the connection.
    public var maximumMessage: ByteCount = .bytes(8 << 20)
    /// The longest audio message.
    public var maximumAudioMessage: ByteCount = .bytes(256 << 10)
    /// The longest command, data, control or unknown message.
    public var maximumCommandMessage: ByteCount = .bytes(64 << 10)
    /// Memory taken for a message before its bytes arrive; it then grows fourfold, never beyond the message.
    public var messageReserve: ByteCount = .bytes(64 << 10)
    /// Memory that all unfinished messages of a connection may hold together.
    public var maximumPartialMessages: ByteCount = .bytes(12 << 20)
    /// How many chunk streams a peer may use, whatever their numbers.
    public var maximumChunkStreams = 64
    /// How deep objects may stand within objects in a command.
    public var amfDepth = 16
    /// How many commands a peer may send at once, and one more for every second, whatever it is doing.
    public var maximumCommands = 64
    /// From the connection's beginning to the last byte of C2.
    public var handshakeTimeout: Duration = .seconds(5)
    /// From the handshake, or from the end of a stream, to `publish` or `play`.
    public var commandTimeout: Duration = .seconds(10)
    /// How long a publisher may send no byte of audio, video or data.
    public var publishIdleTimeout: Duration = .seconds(15)
    /// How long a player may be silent before it is pinged.
    public var playPingInterval: Duration = .seconds(60)
    /// How long a pinged player may stay silent before the connection ends.
    public var pongTimeout: Duration = .seconds(30)

    /// The defaults.
    public init() {}

    /// The longest message of a type.
    func limit(_ type: MessageType) -> Int {
        switch type {
        case .video, .aggregate: maximumMessage.bytes
        case .audio: maximumAudioMessage.bytes
        default: maximumCommandMessage.bytes
        }
    }
}
