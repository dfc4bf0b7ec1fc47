// SPDX-License-Identifier: Apache-2.0

import Bytes

/// Messages to chunks, RTMP 1.0 §5.3, without memory: every message begins with a full header, so the same bytes suit
/// every receiver at any time, and one media message is encoded once for all players.
///
/// A full header costs up to eleven bytes a message more than deltas would. In return nothing depends on what was sent
/// before: no player can be out of step. Extended timestamps are repeated on every chunk of type 3.
public struct ChunkEncoder: Hashable, Sendable {
    /// Payload bytes in a chunk.
    public let chunkSize: Int

    /// The chunk size that a session announces before its first answer; ffmpeg takes it over for what it sends.
    public static let standardChunkSize = 60_000
    /// What both sides use until they say otherwise.
    public static let initialChunkSize = 128

    /// An encoder for a chunk size of 1 byte and more, which the receiver must have been told.
    public init(chunkSize: Int = standardChunkSize) {
        precondition(chunkSize > 0, "chunks of no bytes")
        self.chunkSize = chunkSize
    }

    /// One message's bytes; none for a body longer than `MediaTag.maximumLength`, which can not be written.
    public func encode(_ message: Message) -> [UInt8] {
        encode(
            type: message.type, timestamp: message.timestamp, stream: message.stream, header: [], payload: message.body)
    }

    /// One media message's bytes, to be sent to any number of players: `ServerSession` gives each message stream 1.
    /// None for a body longer than `MediaTag.maximumLength`.
    public func encode(_ tag: MediaTag, stream: UInt32 = mediaStream) -> [UInt8] {
        encode(
            type: tag.kind.messageType, timestamp: tag.timestamp, stream: stream, header: tag.header,
            payload: tag.payload)
    }

    private func encode(
        type: MessageType, timestamp: UInt32, stream: UInt32, header: [UInt8], payload: ByteSlice
    ) -> [UInt8] {
        let length = header.count + payload.count
        guard length <= MediaTag.maximumLength else { return [] }
        let chunkStream = Self.chunkStream(type, stream)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length + 16 + length / chunkSize * 5)
        bytes.append(chunkStream)
        bytes.append(bigEndian24: min(timestamp, 0xFFFFFF))
        bytes.append(bigEndian24: UInt32(truncatingIfNeeded: length))
        bytes.append(type.rawValue)
        bytes.append(littleEndian: stream)
        if timestamp >= 0xFFFFFF { bytes.append(bigEndian: timestamp) }
        var room = chunkSize
        for part in [header[...], payload] {
            append(part, room: &room, chunkStream: chunkStream, timestamp: timestamp, to: &bytes)
        }
        return bytes
    }

    /// Appends a part of a payload, beginning a chunk of type 3 wherever the one before is full.
    private func append(
        _ part: ByteSlice, room: inout Int, chunkStream: UInt8, timestamp: UInt32, to bytes: inout [UInt8]
    ) {
        var rest = part
        while !rest.isEmpty {
            if room == 0 {
                bytes.append(0xC0 | chunkStream)
                if timestamp >= 0xFFFFFF { bytes.append(bigEndian: timestamp) }
                room = chunkSize
            }
            let count = min(room, rest.count)
            bytes.append(contentsOf: rest.prefix(count))
            rest = rest.dropFirst(count)
            room -= count
        }
    }

    /// The chunk streams that other servers use too.
    private static func chunkStream(_ type: MessageType, _ stream: UInt32) -> UInt8 {
        switch type {
        case .audio: 4
        case .video: 6
        case .command: stream == 0 ? 3 : 5
        case .data: 5
        default: 2
        }
    }

    /// The message stream that every `createStream` is answered with.
    public static let mediaStream: UInt32 = 1
}
