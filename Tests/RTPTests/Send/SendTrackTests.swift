// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTP
import TestKit
import Testing

@Suite("A viewer's track")
struct SendTrackTests {
    private static let extensions: ExtensionMap = {
        var map = ExtensionMap()
        (map.mid, map.transportSequence, map.absoluteSendTime, map.playoutDelay) = (4, 3, 2, 5)
        return map
    }()

    private static func ring(_ count: Int, from timestamp: Int64 = 0) -> PacketRing {
        var ring = PacketRing(.video)
        for index in 0..<count {
            ring.append(
                [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 100)[...],
                timestamp: timestamp + Int64(index) * 3000, marker: true, beginsRandomAccess: index % 10 == 0,
                now: .zero)
        }
        return ring
    }

    private static func track(repair: Bool, first: UInt16 = 100) -> SendTrack {
        SendTrack(
            SendFormat(
                .h264, source: 7, payloadType: 96, repair: repair ? .init(source: 8, payloadType: 97) : nil, mid: "0",
                extensions: extensions),
            firstSequence: first, firstTimestamp: 1000)
    }

    @Test("has numbers and times of its own, and the extensions that were negotiated")
    func header() throws {
        let ring = Self.ring(3, from: -500)
        var track = Self.track(repair: true)
        var transport: UInt16 = 0xFFFF
        var bytes: [UInt8] = []
        let packet = try #require(ring[0])
        track.begin(at: packet, of: 0)
        #expect(track.next == 0)
        #expect(
            track.append(
                packet, of: ring, playoutDelay: PlayoutDelay.none, transport: &transport, now: .seconds(1), to: &bytes)
                == 101)
        let sent = try RTPPacket(parsing: bytes[...])
        #expect(sent.header == RTPHeader(marker: true, payloadType: 96, sequenceNumber: 101, timestamp: 500, source: 7))
        let values = ExtensionValues(sent.extensions, Self.extensions)
        #expect(values.transportSequence == 0xFFFF)
        #expect(transport == 0)
        #expect(values.mid?.elementsEqual("0".utf8) == true)
        #expect(values.absoluteSendTime == AbsoluteSendTime(.seconds(1)))
        #expect(values.playoutDelay == PlayoutDelay.none)
        #expect(sent.payload.elementsEqual([UInt8](repeating: 0, count: 100)))
        #expect(track.octetsSent == 100)
        #expect(track.next == 1)
    }

    @Test("only goes forward over layers, skips and wraps, and finds what it sent", arguments: 0..<60 as Range<UInt64>)
    func forward(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let rings = [Self.ring(2000), Self.ring(2000, from: -90_000), Self.ring(2000, from: 40_000)]
        var track = Self.track(repair: true, first: 0x7FF0)
        var transport: UInt16 = 0
        var bytes: [UInt8] = []
        var places = [Int64](repeating: 0, count: 3)
        var layer: UInt8 = 0
        var last: (sequence: Int64, time: UInt32)?
        var sent: [Int64: (UInt8, Int64)] = [:]
        for step in 0..<1500 {
            if step == 0 || Int.random(in: 0..<40, using: &random) == 0 {
                layer = .random(in: 0...2, using: &random)
                places[Int(layer)] += .random(in: 0...3, using: &random)
                track.begin(at: try #require(rings[Int(layer)][places[Int(layer)]]), of: layer)
            }
            let packet = try #require(rings[Int(layer)][places[Int(layer)]])
            bytes.removeAll()
            let sequence = track.append(packet, of: rings[Int(layer)], transport: &transport, now: .zero, to: &bytes)
            let header = try RTPPacket(parsing: bytes[...]).header
            if let last {
                #expect(sequence == last.sequence + 1, "seed \(seed)")
                #expect(header.timestamp &- last.time < 1 << 31, "seed \(seed)")
            }
            last = (sequence, header.timestamp)
            sent[sequence] = (layer, packet.sequence)
            places[Int(layer)] += 1
            if let found = track.locate(header.sequenceNumber) {
                #expect(found == (layer, packet.sequence), "seed \(seed)")
            }
            let earlier = sequence - 5
            if let found = track.locate(UInt16(truncatingIfNeeded: earlier)), let known = sent[earlier] {
                #expect(found == known, "seed \(seed)")
            }
        }
        #expect(track.locate(UInt16(truncatingIfNeeded: track.newest + 1)) == nil)
    }

    @Test("begins with a layer that came later than another, and has made up for it soon, the same when sent again")
    func late() throws {
        let (low, high) = (Self.ring(60), Self.ring(60))
        for hasRepair in [true, false] {
            var track = Self.track(repair: hasRepair)
            var (transport, bytes) = (UInt16(0), [UInt8]())
            track.begin(at: try #require(low[0]), of: 1)
            for index in 0...25 as ClosedRange<Int64> {
                track.append(try #require(low[index]), of: low, transport: &transport, now: .zero, to: &bytes)
            }
            // A third of a second is made up for; a second is not.
            #expect(track.canBegin(at: try #require(high[20])))
            #expect(track.canBegin(at: try #require(high[40])))
            #expect(!track.canBegin(at: try #require(high[0])))
            track.begin(at: try #require(high[20]), of: 2)
            var times: [UInt32] = []
            var first: [UInt16: RTPHeader] = [:]
            for index in 20..<60 as Range<Int64> {
                bytes.removeAll()
                let number = track.append(
                    try #require(high[index]), of: high, transport: &transport, now: .zero, to: &bytes)
                let header = try RTPPacket(parsing: bytes[...]).header
                times.append(header.timestamp)
                first[UInt16(truncatingIfNeeded: number)] = header
            }
            #expect(times[0] == 76_001)
            #expect(zip(times, times.dropFirst()).allSatisfy { $1 > $0 })
            #expect(Array(times.suffix(30)) == (30..<60).map { 1000 + $0 * 3000 })
            for (number, header) in first {
                let found = try #require(track.locate(number))
                bytes.removeAll()
                _ = track.appendAgain(
                    try #require(high[found.sequence]), number, of: high, transport: &transport, now: .zero, to: &bytes)
                #expect(try RTPPacket(parsing: bytes[...]).header.timestamp == header.timestamp)
            }
        }
    }

    @Test("bears numbers of the transport only where reports on them are of use")
    func numbers() throws {
        let ring = Self.ring(2)
        var track = Self.track(repair: true)
        var (transport, bytes) = (UInt16(7), [UInt8]())
        track.begin(at: try #require(ring[0]), of: 0)
        track.isNumbered = false
        track.append(try #require(ring[0]), of: ring, transport: &transport, now: .zero, to: &bytes)
        let first = ExtensionValues(try RTPPacket(parsing: bytes[...]).extensions, Self.extensions)
        #expect(first.transportSequence == nil && first.mid != nil && transport == 7 && !track.hasNumbers)
        track.isNumbered = true
        bytes.removeAll()
        track.append(try #require(ring[1]), of: ring, transport: &transport, now: .zero, to: &bytes)
        let second = ExtensionValues(try RTPPacket(parsing: bytes[...]).extensions, Self.extensions)
        #expect(second.transportSequence == 7 && transport == 8 && track.hasNumbers)
    }

    @Test("keeps the holes of the ring")
    func holes() throws {
        var ring = Self.ring(2)
        ring.skip(3)
        let sequence = ring.append([9], timestamp: 9000, marker: true, beginsRandomAccess: false, now: .zero)
        var track = Self.track(repair: true)
        var (transport, bytes) = (UInt16(0), [UInt8]())
        track.begin(at: try #require(ring[0]), of: 0)
        for index in [0, 1, sequence] {
            track.append(try #require(ring[index]), of: ring, transport: &transport, now: .zero, to: &bytes)
        }
        #expect(track.newest == 106)
        #expect(track.locate(104)?.sequence == 3)
        #expect(ring[3] == nil)
    }

    @Test("sends again in a stream of its own")
    func repair() throws {
        let ring = Self.ring(5)
        var track = Self.track(repair: true)
        var (transport, bytes, first) = (UInt16(0), [UInt8](), [UInt8]())
        track.begin(at: try #require(ring[0]), of: 0)
        for index in 0..<5 as Range<Int64> {
            bytes.removeAll()
            track.append(try #require(ring[index]), of: ring, transport: &transport, now: .zero, to: &bytes)
            if index == 2 { first = bytes }
        }
        let found = try #require(track.locate(103))
        bytes.removeAll()
        let again = track.appendAgain(
            try #require(ring[found.sequence]), 103, of: ring, transport: &transport, now: .zero, to: &bytes)
        #expect(again == (8, 101))
        let packet = try RTPPacket(parsing: bytes[...])
        #expect(packet.header.payloadType == 97)
        let original = try #require(packet.original(source: 7, payloadType: 96))
        #expect(try RTPPacket(parsing: first[...]).header == original.header)
        #expect(try RTPPacket(parsing: first[...]).payload == original.payload)
        #expect(transport == 6)
    }

    @Test("without such a stream sends exactly the same bytes again, also after a change of layer")
    func verbatim() throws {
        let (ring, other) = (Self.ring(9), Self.ring(9, from: 500))
        var track = Self.track(repair: false)
        var (transport, bytes, sent) = (UInt16(0), [UInt8](), [UInt16: [UInt8]]())
        for (ring, layer, range) in [(ring, 0 as UInt8, 0..<3 as Range<Int64>), (other, 1, 3..<6)] {
            track.begin(at: try #require(ring[range.lowerBound]), of: layer)
            for index in range {
                bytes.removeAll()
                let number = track.append(
                    try #require(ring[index]), of: ring, playoutDelay: PlayoutDelay.none, transport: &transport,
                    now: .seconds(index), to: &bytes)
                sent[UInt16(number)] = bytes
            }
        }
        for (number, expected) in sent {
            let found = try #require(track.locate(number))
            let ring = found.layer == 0 ? ring : other
            bytes.removeAll()
            let again = track.appendAgain(
                try #require(ring[found.sequence]), number, of: ring, transport: &transport, now: .seconds(50),
                to: &bytes)
            #expect(bytes == expected)
            #expect(again == (7, Int64(number)))
        }
        #expect(transport == 0)
    }

    @Test("lets the numbers of VP8's pictures go on over layers, also when sent again")
    func pictureNumbers() throws {
        func ring(_ first: UInt16, _ base: UInt8) -> PacketRing {
            var ring = PacketRing(.video)
            for index in 0..<4 as Range<UInt16> {
                var descriptor = VP8Descriptor()
                (descriptor.pictureID, descriptor.baseIndex) = (.long((first &+ index) & 0x7FFF), base &+ UInt8(index))
                var bytes: [UInt8] = []
                descriptor.append(to: &bytes)
                ring.append(
                    (bytes + [0, 1])[...], timestamp: Int64(index), marker: true, beginsRandomAccess: true, now: .zero)
            }
            return ring
        }
        func numbers(_ datagram: [UInt8]) throws -> String {
            var payload = try RTPPacket(parsing: datagram[...]).payload
            let descriptor = try VP8Descriptor(parsing: &payload)
            guard case .long(let number)? = descriptor.pictureID else { return "none" }
            return "\(number) \(descriptor.baseIndex ?? 0)"
        }
        let (low, high) = (ring(32_766, 254), ring(77, 9))
        var track = SendTrack(
            SendFormat(.vp8, source: 7, payloadType: 96, repair: nil, extensions: ExtensionMap()), firstSequence: 0,
            firstTimestamp: 0)
        var (transport, bytes, sent) = (UInt16(0), [UInt8](), [String]())
        for (layer, ring, place) in [(0, low, 0), (0, low, 1), (1, high, 2), (1, high, 3), (0, low, 3)]
            as [(UInt8, PacketRing, Int64)]
        {
            let packet = try #require(ring[place])
            if layer != track.layer { track.begin(at: packet, of: layer) }
            bytes.removeAll()
            track.append(packet, of: ring, transport: &transport, now: .zero, to: &bytes)
            sent.append(try numbers(bytes))
        }
        #expect(sent == ["32766 254", "32767 255", "0 0", "1 1", "2 2"])
        let found = try #require(track.locate(4))
        bytes.removeAll()
        _ = track.appendAgain(
            try #require(high[found.sequence]), 4, of: high, transport: &transport, now: .zero, to: &bytes)
        #expect(try numbers(bytes) == "1 1")
    }

    @Test("is plain bytes, and writes into memory that is there")
    func allocation() throws {
        #expect(_isPOD(SendTrack.self))
        #expect(_isPOD(PacketRing.Packet.self))
        #expect(_isPOD(ResendGuard.self))
        #expect(MemoryLayout<SendTrack>.size <= 256)
        #expect(MemoryLayout<ResendGuard>.size <= 600)
        let ring = Self.ring(1000)
        var track = Self.track(repair: true)
        var (transport, bytes) = (UInt16(0), [UInt8]())
        bytes.reserveCapacity(64 << 10)
        let (capacity, place) = (bytes.capacity, bytes.withUnsafeBytes(\.baseAddress))
        track.begin(at: try #require(ring[0]), of: 0)
        for index in 0..<1000 as Range<Int64> {
            if index % 64 == 0 { bytes.removeAll(keepingCapacity: true) }
            track.append(try #require(ring[index]), of: ring, transport: &transport, now: .zero, to: &bytes)
        }
        #expect(bytes.capacity == capacity)
        #expect(bytes.withUnsafeBytes(\.baseAddress) == place)
    }
}

@Suite("A resend guard")
struct ResendGuardTests {
    @Test("lets a packet through once a round trip, and five times")
    func times() {
        var resends = ResendGuard()
        func allows(_ milliseconds: Int, _ kind: SendKind = .video) -> Bool {
            resends.allows(
                9, of: kind, length: 1000, roundTrip: .milliseconds(100), now: .milliseconds(milliseconds))
        }
        let times = [0, 50, 99, 100, 199, 200, 400, 900, 1000]
        #expect(times.map { allows($0) } == [true, false, false, true, false, true, true, true, false])
        let others = [allows(1100, .audio), allows(1100, .video)]
        #expect(others == [true, true])
    }

    @Test("lets a quarter of what is sent through, beyond a burst")
    func share() {
        var resends = ResendGuard()
        var again = 0
        for number in 0..<10_000 as Range<UInt16> {
            resends.sent(bytes: 1000)
            if resends.allows(number, of: .video, length: 1000, roundTrip: nil, now: .seconds(Int(number))) {
                again += 1
            }
        }
        #expect((2500...2600).contains(again))
    }
}
