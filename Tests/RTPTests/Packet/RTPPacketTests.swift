// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTP
import TestKit
import Testing

@Suite("An RTP packet")
struct RTPPacketTests {
    /// Every field of RFC 3550 §5.1: version 2, padding, extension, two contributing sources, marker.
    static let whole = hex(
        """
        b2 e0 1234 89abcdef 11223344  aabbccdd 99887766
        bede 0001 10ff 0000
        0102030405 000003
        """)

    @Test("is read field by field")
    func reads() throws {
        let packet = try RTPPacket(parsing: Self.whole[...])
        #expect(
            packet.header
                == RTPHeader(
                    marker: true, payloadType: 96, sequenceNumber: 0x1234, timestamp: 0x89AB_CDEF, source: 0x1122_3344))
        #expect(packet.payload.elementsEqual([1, 2, 3, 4, 5]))
        #expect(packet.extensions.map(\.id) == [1])
        #expect(packet.extensions.map(\.value) == [[0xFF]])
    }

    @Test("is read at any place of a larger datagram")
    func readsSlices() throws {
        let padded = [UInt8](repeating: 0x80, count: 7) + Self.whole
        #expect(try RTPPacket(parsing: padded[7...]) == RTPPacket(parsing: Self.whole[...]))
    }

    @Test("reads as it was written", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let header = RTPHeader(
            marker: .random(using: &random), payloadType: .random(in: 0...127, using: &random),
            sequenceNumber: .random(in: 0...(.max), using: &random), timestamp: .random(in: 0...(.max), using: &random),
            source: .random(in: 0...(.max), using: &random))
        var extensions = HeaderExtensions.none
        if Bool.random(using: &random) {
            extensions = HeaderExtensions(
                profile: 0xBEDE, bytes: noise(4 * .random(in: 1...8, using: &random), using: &random)[...])
        }
        let payload = noise(.random(in: 0...100, using: &random), using: &random)
        let packet = RTPPacket(header: header, extensions: extensions, payload: payload[...])
        var bytes: [UInt8] = []
        packet.append(to: &bytes)
        #expect(try RTPPacket(parsing: bytes[...]) == packet, "seed \(seed)")
    }

    @Test("is refused when it is cut before its payload")
    func truncation() throws {
        for length in 0..<28 {
            #expect(throws: RTPFailure.self, "\(length) bytes") { try RTPPacket(parsing: Self.whole.prefix(length)) }
        }
        for length in 28..<Self.whole.count {
            // What is left ends in bytes that are no padding, or less of it.
            _ = try? RTPPacket(parsing: Self.whole.prefix(length))
        }
    }

    @Test(
        "is refused where it lies",
        arguments: [
            ("40600001000000010000000201", RTPFailure.version(1)),
            ("a0600001000000010000000200", .padding(0)),
            ("a0600001000000010000000205", .padding(5)),
            ("a06000010000000100000002", .truncated),
            ("906000010000000100000002bedeffff", .truncated),
            ("8f600001000000010000000200000000", .truncated),
        ])
    func lies(row: (text: String, failure: RTPFailure)) {
        #expect(throws: row.failure) { try RTPPacket(parsing: hex(row.text)[...]) }
    }

    @Test("survives flipped bits", arguments: 0..<500 as Range<UInt64>)
    func flips(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bytes = Self.whole
        for _ in 0..<4 {
            bytes[.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
        }
        guard let packet = try? RTPPacket(parsing: bytes[...]) else { return }
        #expect(packet.payload.count + packet.extensions.bytes.count <= bytes.count - 12, "seed \(seed)")
    }

    @Test("that was sent again is the one it was")
    func retransmission() throws {
        let header = RTPHeader(marker: true, payloadType: 97, sequenceNumber: 5, timestamp: 9, source: 2)
        let again = RTPPacket(header: header, payload: [0xFF, 0xFE, 1, 2, 3])
        let packet = try #require(again.original(source: 1, payloadType: 96))
        #expect(
            packet.header == RTPHeader(marker: true, payloadType: 96, sequenceNumber: 0xFFFE, timestamp: 9, source: 1))
        #expect(packet.payload == [1, 2, 3])
        #expect(RTPPacket(header: header, payload: [0, 1]).original(source: 1, payloadType: 96) == nil)
    }
}
