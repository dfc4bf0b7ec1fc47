// SPDX-License-Identifier: Apache-2.0

import Bytes
import Cluster
import Gossip
import Identity
import TestKit
import Testing

@Suite("A datagram of gossip")
struct GossipDatagramTests {
    @Test("has the bytes of its vector", arguments: Sample.datagrams)
    func golden(name: String, datagram: GossipDatagram) throws {
        #expect(encoded(datagram).hex == (try vector(name)).hex)
        #expect(try decodedDatagram(try vector(name)) == datagram)
    }

    @Test("comes back as it was, of the size that was foretold", arguments: 0..<500 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var gossip = RandomGossip(seed: seed)
        let datagram = gossip.datagram()
        let bytes = encoded(datagram)
        #expect(bytes.count == datagram.encodedSize, "seed \(seed)")
        guard bytes.count <= GossipDatagram.maximumSize else { return }
        #expect(try decodedDatagram(bytes, sender: datagram.sender) == datagram, "seed \(seed)")
    }

    @Test("has room for any one rumour", arguments: 0..<500 as Range<UInt64>)
    func largestRumour(seed: UInt64) throws {
        var gossip = RandomGossip(seed: seed)
        let datagram = GossipDatagram(sender: gossip.node(), rumours: [gossip.rumour()])
        let largestSeal = 43 + 63
        #expect(largestSeal + datagram.encodedSize <= GossipDatagram.maximumSize)
        #expect(try decodedDatagram(encoded(datagram), sender: datagram.sender) == datagram, "seed \(seed)")
    }

    @Test("is refused when it is cut, unless between items", arguments: Sample.datagrams)
    func truncation(name: String, datagram: GossipDatagram) throws {
        let bytes = encoded(datagram)
        var whole = 0
        for length in bytes.indices {
            do { whole += try decodedDatagram(Array(bytes[..<length])).encodedSize == length ? 1 : 0 } catch {
                #expect(error == .truncated, "cut at \(length)")
            }
        }
        #expect(whole == datagram.rumours.count + (datagram.message == nil ? 0 : 1))
    }

    @Test("with flipped bits is refused or is another datagram", arguments: Sample.datagrams)
    func bitFlips(name: String, datagram: GossipDatagram) {
        let bytes = encoded(datagram)
        for bit in 0..<bytes.count * 8 {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let other = try? decodedDatagram(flipped) else { continue }
            #expect((try? decodedDatagram(encoded(other))) == other, "bit \(bit)")
        }
    }

    @Test("of a newer node loses only what is new")
    func unknownKinds() throws {
        let known = encoded(GossipDatagram(sender: Sample.node, rumours: [.left(Sample.other, incarnation: 1)]))
        let bytes = [1, 33, 2, 0xFF, 0xFF] + known.dropFirst() + [200, 0] + known.dropFirst()
        var decoder = GossipDatagramDecoder()
        let datagram = try decoder.datagram(from: bytes[...], sender: Sample.node)
        #expect(datagram.message == nil)
        #expect(datagram.rumours == [.left(Sample.other, incarnation: 1), .left(Sample.other, incarnation: 1)])
        #expect(decoder.skippedItems == 2)
    }

    @Test("of a newer node may say more in a rumour and in a description")
    func longerBodies() throws {
        let told: [UInt8] = [66, 18, 11] + Array("origin-2.eu".utf8) + [0, 0, 0, 0, 0, 0, 1]
        #expect(throws: GossipFailure.truncated) { try decodedDatagram([1] + told) }
        let longer: [UInt8] = [66, 22, 11] + Array("origin-2.eu".utf8) + [0, 0, 0, 0, 0, 0, 0, 1, 9, 9]
        #expect(try decodedDatagram([1] + longer).rumours == [.left(Sample.other, incarnation: 1)])
    }

    @Test(
        "of a region says which versions all of it write, each of them, or is of an older node, which says nothing",
        arguments: [("", nil), ("0101", 1...1), ("0103", 1...3), ("00ff", 0...255), ("010309", 1...3)]
            as [(String, ClosedRange<UInt8>?)])
    func packaging(hex: String, packaging: ClosedRange<UInt8>?) throws {
        let said = try #require([UInt8](hex: hex))
        guard case .region(let summary) = try decodedDatagram(Self.region(saying: said)).rumours.first else {
            Issue.record("no summary")
            return
        }
        #expect(summary.packaging == packaging)
        #expect(summary.load == Sample.summary.load)
        let known = packaging == nil ? [] : said.prefix(2)
        #expect(
            encoded(GossipDatagram(sender: Sample.node, rumours: [.region(summary)]))
                == Self.region(saying: Array(known)))
    }

    @Test(
        "is refused when the versions of a region are cut short or turned around",
        arguments: [([1], .truncated), ([3, 1], .malformed)] as [([UInt8], GossipFailure)])
    func wrongPackaging(said: [UInt8], failure: GossipFailure) {
        #expect(throws: failure) { try decodedDatagram(Self.region(saying: said)) }
    }

    /// The summary of an older node with so many bytes more.
    private static func region(saying said: [UInt8]) -> [UInt8] {
        var bytes = encoded(GossipDatagram(sender: Sample.node, rumours: [.region(Sample.summary)])) + said
        bytes[2] += UInt8(said.count)
        return bytes
    }

    @Test("is refused when a field lies", arguments: lies)
    func refusal(name: String, bytes: [UInt8], failure: GossipFailure) {
        #expect(throws: failure) { try decodedDatagram(bytes) }
    }

    static let lies: [(String, [UInt8], GossipFailure)] = [
        ("nothing at all", [], .truncated),
        ("another version", [2], .unknownVersion(2)),
        ("a local health of 8", [1, 1, 5, 0, 0, 0, 1, 8], .malformed),
        ("a message after another", [1, 3, 4, 0, 0, 0, 1, 3, 4, 0, 0, 0, 1], .malformed),
        ("a name with a slash", [1, 66, 10, 1, 0x2F, 0, 0, 0, 0, 0, 0, 0, 1], .malformed),
        ("a name of 64 bytes", [1, 66, 73, 64] + [UInt8](repeating: 0x61, count: 64 + 8), .tooLong(64)),
        ("an empty name", [1, 66, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1], .malformed),
        ("a length over the datagram", [1, 66, 0xFF, 0x7F, 0], .truncated),
        ("a length of over 28 bits", [1, 66, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], .malformed),
        ("a length in more bytes than it needs", [1, 66, 0x80, 0x00], .malformed),
        ("1401 bytes", [1] + [UInt8](repeating: 0, count: 1400), .tooLong(1401)),
        (
            "a description of 513 bytes",
            [1, 64, 0x8B, 4] + [UInt8](repeating: 0, count: 8) + [0x81, 4] + [UInt8](repeating: 0, count: 513),
            .tooLong(513)
        ),
        (
            "a key to install of 31 bytes",
            [1, 67, 44] + [UInt8](repeating: 0, count: 12) + [1]
                + [UInt8](repeating: 0, count: 31), .truncated
        ),
        ("a stream without an app", [1, 69, 5, 4] + Array("news".utf8), .malformed),
        ("an order that is none", [1, 67, 13] + [UInt8](repeating: 0, count: 12) + [9], .malformed),
        (
            "more processor than there is",
            [1, 2, 25, 1, 0x61] + [UInt8](repeating: 0, count: 16) + [0x03, 0xE9, 0, 0, 0, 0, 0], .malformed
        ),
        (
            "65 audiences",
            [1, 2, 25, 1, 0x61] + [UInt8](repeating: 0, count: 16) + [0x03, 0xE8, 0, 0, 0, 0, 65], .malformed
        ),
    ]

    @Test("is refused when a URL would break out of a header or a playlist", arguments: ["a\r\nb", "a b", "a\"b", "ü"])
    func urls(url: String) {
        var description = Sample.description
        description.viewerURL = url
        let datagram = GossipDatagram(sender: Sample.node, rumours: [.alive(description, incarnation: 1)])
        #expect(throws: GossipFailure.malformed) { try decodedDatagram(encoded(datagram)) }
    }

    @Test("carries an entry and a summary cut down to what fits")
    func fitted() {
        let long = StreamVariant(
            rendition: .main, peakBandwidth: 1, averageBandwidth: 1, codecs: String(repeating: "a", count: 128),
            width: 1, height: 1, frameRate: 1)
        var entry = Sample.entry
        entry.variants = Array(repeating: long, count: 20)
        #expect(entry.fitted.variants.count == 6)
        let room = RegionSummary(
            region: Sample.europe, speaker: Sample.node, time: 0,
            routers: Array(repeating: String(repeating: "r", count: 128), count: 20),
            doors: Array(repeating: RelayDoor(node: Sample.other, relay: Sample.endpoint, capacity: 1), count: 20),
            capacity: 0, load: 0
        ).fitted
        #expect(room.doors.count >= 5 && room.routers.count >= 5)
        #expect(Rumour.region(room).encodedSize <= 1003)
    }
}
