// SPDX-License-Identifier: Apache-2.0

import Bytes

/// What is known of one chunk stream: the last header, which later ones shorten, and the message under way.
struct ChunkStream {
    let number: UInt32
    private(set) var timestamp: UInt32 = 0
    private(set) var length = 0
    private(set) var type = MessageType(rawValue: 0)
    private(set) var message: UInt32 = 0
    /// The time field as it stood on the wire, absolute or a delta; what a header of type 3 adds.
    private(set) var wireTime: UInt32 = 0
    /// Whether the last full header had an extended timestamp: the field said so, not the value.
    private(set) var isExtended = false
    var habit = Habit.unknown
    /// Whether a message has begun and not ended.
    private(set) var isOpen = false
    var body: [UInt8] = []
    var reserved = 0

    /// Whether the peer repeats the extended timestamp on chunks of type 3: the standard of 2012 says yes, that of 2009
    /// said no, and both are in use. Decided once a chunk stream, at the first continuation that shows it.
    enum Habit {
        case unknown
        case repeats
        case omits
    }

    init(number: UInt32) { self.number = number }

    var remaining: Int { length - body.count }

    /// Starts a message. Deltas add modulo 2^32: encoders that put audio and video on one chunk stream step back by
    /// deltas near 2^32.
    mutating func begin(_ header: ChunkHeader) {
        timestamp = header.format == 0 ? header.wireTime : timestamp &+ header.wireTime
        wireTime = header.wireTime
        isExtended = header.isExtended
        length = header.length
        type = header.type
        message = header.message
        isOpen = true
    }

    mutating func takeMessage() -> Message {
        var whole: [UInt8] = []
        swap(&whole, &body)
        isOpen = false
        reserved = 0
        return Message(type: type, timestamp: timestamp, stream: message, body: whole[...])
    }

    /// Forgets the message under way and keeps the header.
    mutating func drop() {
        body = []
        reserved = 0
        isOpen = false
    }

    /// Whether four bytes after a header of type 3 are the extended timestamp once more. Some writers repeat the wire's
    /// value, some the time it makes, some with the top bit cleared.
    func repeats(_ value: UInt32) -> Bool {
        value == wireTime || value == timestamp || value == wireTime & 0x7FFF_FFFF || value == timestamp & 0x7FFF_FFFF
            || value == timestamp &+ wireTime
    }

    /// Whether bytes that begin like `prefix`, `count` of them, could still become such a value.
    func couldRepeat(_ prefix: UInt32, count: Int) -> Bool {
        let shift = UInt32(32 - 8 * count)
        return [wireTime, timestamp, wireTime & 0x7FFF_FFFF, timestamp & 0x7FFF_FFFF, timestamp &+ wireTime]
            .contains { $0 >> shift == prefix }
    }
}
