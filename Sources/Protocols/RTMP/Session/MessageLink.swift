// SPDX-License-Identifier: Apache-2.0

import Bytes

/// What both sides of a connection do below its commands: chunks to messages, acknowledgements, pings.
struct MessageLink: ~Copyable {
    var decoder: ChunkDecoder
    /// Bytes received, handshake included, modulo 2^32 as the wire has it.
    private var received: UInt32 = 0
    private var acknowledged: UInt32 = 0
    /// What the peer wants acknowledged; nil until it says so.
    private var window: UInt32?
    private var owedPong: ByteSlice?
    private var owesWindow = false

    init(settings: RTMPSettings) { decoder = ChunkDecoder(settings: settings) }

    mutating func count(_ bytes: Int) { received &+= UInt32(truncatingIfNeeded: bytes) }

    /// Takes a message that belongs to the connection; false where it is none.
    mutating func takeControl(_ message: Message) throws(RTMPFailure) -> Bool {
        switch message.type {
        case .acknowledgement: break
        case .windowAcknowledgementSize: window = max(try number(message), Self.minimumWindow)
        case .setPeerBandwidth:
            _ = try number(message)
            owesWindow = true
        case .userControl: try takeUserControl(message)
        default: return false
        }
        return true
    }

    /// What the peer is owed after a receive: at most one acknowledgement, one pong and one window, whatever it sent.
    mutating func takeOwed() -> [UInt8] {
        var bytes: [UInt8] = []
        if owesWindow { bytes += Self.control(.windowAcknowledgementSize, Self.window) }
        owesWindow = false
        if let echo = owedPong { bytes += Self.userControl(7, echo) }
        owedPong = nil
        if let window, received &- acknowledged >= window / 2 {
            acknowledged = received
            bytes += Self.control(.acknowledgement, received)
        }
        return bytes
    }

    private func number(_ message: Message) throws(RTMPFailure) -> UInt32 {
        var reader = ByteReader(message.body)
        do throws(Truncated) { return try reader.uint32() } catch { throw .malformedMessage(message.type) }
    }

    /// Events other than a ping need no answer, and unknown ones are no fault.
    private mutating func takeUserControl(_ message: Message) throws(RTMPFailure) {
        var reader = ByteReader(message.body)
        guard let event = try? reader.uint16() else { throw .malformedMessage(message.type) }
        if event == 6 { owedPong = reader.rest.prefix(4) }
    }

    /// How much each side may send before the other should acknowledge, in bytes.
    static let window: UInt32 = 2_500_000
    /// A smaller window would make us answer every read.
    private static let minimumWindow: UInt32 = 64 << 10
}

extension MessageLink {
    /// A control message of one number.
    static func control(_ type: MessageType, _ value: UInt32, _ more: [UInt8] = []) -> [UInt8] {
        var body: [UInt8] = []
        body.append(bigEndian: value)
        return encode(type, body + more)
    }

    /// A user control event, RTMP 1.0 §7.1.7.
    static func userControl(_ event: UInt16, _ data: ByteSlice) -> [UInt8] {
        var body: [UInt8] = []
        body.append(bigEndian: event)
        return encode(.userControl, body + data)
    }

    /// A user control event about a number: a message stream, or a ping's time.
    static func userControl(_ event: UInt16, _ value: UInt32) -> [UInt8] {
        var data: [UInt8] = []
        data.append(bigEndian: value)
        return userControl(event, data[...])
    }

    private static func encode(_ type: MessageType, _ body: [UInt8]) -> [UInt8] {
        ChunkEncoder(chunkSize: ChunkEncoder.initialChunkSize)
            .encode(Message(type: type, timestamp: 0, stream: 0, body: body[...]))
    }
}
