// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Gossip
import TestKit
import Testing

@Suite("A stream message of gossip")
struct GossipStreamTests {
    @Test("has the bytes of its vector", arguments: Sample.streamMessages)
    func golden(name: String, message: GossipStreamMessage) throws {
        #expect(encoded(message).hex == (try vector(name)).hex)
        #expect(try decodedStream(try vector(name)) == [message])
    }

    @Test("comes back as it was, out of pieces of any size", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var gossip = RandomGossip(seed: seed)
        let messages = (0..<4).map { _ in gossip.streamMessage() }
        var rest = messages.flatMap(encoded)[...]
        var decoder = GossipStreamDecoder()
        var read: [GossipStreamMessage] = []
        while !rest.isEmpty {
            let length = min(rest.count, .random(in: 1...700, using: &gossip.random))
            decoder.append(rest.prefix(length))
            rest = rest.dropFirst(length)
            while let message = try decoder.next() { read.append(message) }
        }
        #expect(read == messages, "seed \(seed)")
        #expect(decoder.isBetweenMessages)
    }

    @Test("is waited for while it is not whole", arguments: Sample.streamMessages)
    func partial(name: String, message: GossipStreamMessage) throws {
        let bytes = encoded(message)
        for length in bytes.indices {
            var decoder = GossipStreamDecoder()
            decoder.append(bytes[..<length])
            #expect(try decoder.next() == nil, "cut at \(length)")
            #expect(decoder.isBetweenMessages == (length == 0))
        }
    }

    @Test("is refused when it ends before its fields do", arguments: Sample.streamMessages)
    func truncation(name: String, message: GossipStreamMessage) {
        let body = encoded(message).dropFirst(4)
        for length in 0..<body.count {
            #expect(throws: GossipFailure.truncated, "cut at \(length)") {
                try decodedStream([0, 0, UInt8(length >> 8), UInt8(length & 255)] + body.prefix(length))
            }
        }
    }

    @Test("with flipped bits is refused, waited for, or another message", arguments: Sample.streamMessages)
    func bitFlips(name: String, message: GossipStreamMessage) {
        let bytes = encoded(message)
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let messages = try? decodedStream(flipped) else { continue }
            for other in messages { #expect((try? decodedStream(encoded(other))) == [other], "bit \(bit)") }
        }
    }

    @Test("is refused by its length alone when that is over 20 MiB, and for good")
    func longest() throws {
        var decoder = GossipStreamDecoder()
        decoder.append([0x01, 0x40, 0x00, 0x00] as [UInt8])
        #expect(try decoder.next() == nil)
        decoder = GossipStreamDecoder()
        decoder.append([0x01, 0x40, 0x00, 0x01] as [UInt8])
        for _ in 0..<2 { #expect(throws: GossipFailure.tooLong(20 << 20 | 1)) { try decoder.next() } }
    }

    @Test("is refused when a field lies", arguments: lies)
    func refusal(name: String, body: [UInt8], failure: GossipFailure) {
        #expect(throws: failure) { try decodedStream([0, 0, 0, UInt8(body.count)] + body) }
    }

    static let lies: [(String, [UInt8], GossipFailure)] = [
        ("another version", [9, 1, 0, 0, 0, 1], .unknownVersion(9)),
        ("more than 1 Mi members", [1, 4, 0, 0x00, 0x10, 0x00, 0x01], .malformed),
        ("a million members and none there", [1, 4, 0, 0x00, 0x10, 0x00, 0x00], .truncated),
        ("a member of over 1000 bytes", [1, 4, 0, 0, 0, 0, 1, 0xE9, 0x07], .truncated),
        ("a flag that is none", [1, 2] + [UInt8](repeating: 0, count: 16) + [2], .malformed),
        ("control characters for a log", [1, 3, 2, 0x1B, 0x63], .malformed),
        ("a text that is not UTF-8", [1, 3, 1, 0xFF], .malformed),
    ]

    @Test("of an unknown kind is skipped and counted")
    func unknownKinds() throws {
        var decoder = GossipStreamDecoder()
        decoder.append([0, 0, 0, 3, 1, 77, 1] + encoded(.ack(sequence: 3)))
        #expect(try decoder.next() == .ack(sequence: 3))
        #expect(decoder.skippedMessages == 1)
    }
}
