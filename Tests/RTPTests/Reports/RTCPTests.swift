// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP
import TestKit
import Testing

/// All packets of a datagram.
func read(_ datagram: [UInt8]) throws -> [RTCPPacket] {
    var decoder = RTCPDecoder(datagram[...])
    var packets: [RTCPPacket] = []
    while let packet = try decoder.next() { packets.append(packet) }
    return packets
}

func write(_ packets: [RTCPPacket]) -> [UInt8] {
    var datagram: [UInt8] = []
    for packet in packets { RTCPEncoder.append(packet, to: &datagram) }
    return datagram
}

@Suite("An RTCP packet")
struct RTCPTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let packets: [RTCPPacket]

        init(_ name: String, _ text: String, _ packets: [RTCPPacket]) {
            testDescription = name
            bytes = hex(text)
            self.packets = packets
        }
    }

    /// Laid out by hand after the figures of RFC 3550 §6.4 to §6.6, RFC 4585 §6.2 and §6.3, RFC 5104 §4.3.1,
    /// draft-alvestrand-rmcat-remb-03 §2.2; the transport feedback was sent by Chromium.
    static let vectors: [Vector] = [
        Vector(
            "sender report",
            """
            81c8000c 11111111 e8a1b2c380000000 00015f90 00000064 0000c350
            22222222 40ffffff 00010002 00000003 b2c38000 00018000
            """,
            [
                .senderReport(
                    SenderReport(
                        source: 0x1111_1111, time: NTPTime(bits: 0xE8A1_B2C3_8000_0000), timestamp: 90_000,
                        packets: 100, octets: 50_000,
                        reports: [
                            ReceptionReport(
                                source: 0x2222_2222, fractionLost: 64, lost: -1, highestSequence: 0x1_0002, jitter: 3,
                                lastReport: 0xB2C3_8000, sinceLastReport: 0x1_8000)
                        ]))
            ]),
        Vector(
            "compound of an empty report and a name",
            "80c90001 00000007  81ca0003 00000007 01026162 00000000",
            [
                .receiverReport(ReceiverReport(source: 7, reports: [])),
                .sourceDescription(SourceDescription(names: [.init(source: 7, canonicalName: [0x61, 0x62])])),
            ]),
        Vector("goodbye", "82cb0002 00000001 00000002", [.goodbye(Goodbye(sources: [1, 2]))]),
        Vector(
            "nack over a wrap", "81cd0004 00000001 00000002 fffe0005 00200000",
            [.nack(NegativeAcknowledgement(sender: 1, media: 2, missing: [0xFFFE, 0xFFFF, 1, 0x20]))]),
        Vector("picture loss", "81ce0002 00000001 00000002", [.pictureLoss(sender: 1, media: 2)]),
        Vector(
            "full intra request", "84ce0004 00000001 00000000 00000002 07000000",
            [.fullIntraRequest(FullIntraRequest(sender: 1, entries: [.init(media: 2, number: 7)]))]),
        Vector(
            "receiver estimate", "8fce0005 00000001 00000000 52454d42 010bd090 00000002",
            [.receiverEstimate(ReceiverEstimate(sender: 1, bitsPerSecond: 0x3D090 << 2, sources: [2]))]),
        Vector(
            "transport feedback", "afcd0005 fa17fa17 43032fa0 00990001 3de80217 20019401",
            [
                .transportFeedback(
                    TransportFeedback(
                        sender: 0xFA17_FA17, media: 0x4303_2FA0, base: 153, reference: 4_057_090, count: 23,
                        deltas: [148]))
            ]),
    ]

    @Test("is read", arguments: vectors)
    func reads(vector: Vector) throws {
        #expect(try read(vector.bytes) == vector.packets)
    }

    @Test("is written as it was read", arguments: vectors)
    func writes(vector: Vector) {
        #expect(write(vector.packets).hex == vector.bytes.hex)
    }

    @Test("is refused or whole when the datagram is cut at any byte", arguments: vectors)
    func truncation(vector: Vector) {
        for length in 0..<vector.bytes.count {
            guard let packets = try? read(Array(vector.bytes.prefix(length))) else { continue }
            #expect(packets == Array(vector.packets.prefix(packets.count)), "\(length) bytes")
            #expect(packets.count < vector.packets.count, "\(length) bytes")
        }
    }

    @Test("survives flipped bits", arguments: 0..<400 as Range<UInt64>)
    func flips(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for vector in Self.vectors {
            var bytes = vector.bytes
            for _ in 0..<3 {
                bytes[.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            guard let packets = try? read(bytes) else { continue }
            #expect(packets.count <= bytes.count / 4, "seed \(seed)")
        }
    }

    @Test(
        "is refused where it lies",
        arguments: [
            ("40c90001 00000007", RTPFailure.version(1)),
            ("80c90002 00000007", .truncated),
            ("80c9", .truncated),
            ("81c90001 00000007", .report(201)),
            ("a0c90001 00000000", .padding(0)),
            ("a0c90001 000000ff", .padding(255)),
            ("81cd0003 00000001 00000002 0001", .truncated),
            ("81ca0002 00000007 01ff6162", .report(202)),
            ("82cb0001 00000001", .report(203)),
            // More packets than any sender has on its way, in one run; a run of none; a reserved symbol.
            ("8fcd0005 00000001 00000002 0000ffff 00000000 1fff1fff", .report(205)),
            ("8fcd0005 00000001 00000002 00000005 00000000 00000000", .report(205)),
            ("8fcd0005 00000001 00000002 00000005 00000000 60050000", .report(205)),
        ])
    func lies(row: (text: String, failure: RTPFailure)) {
        #expect(throws: row.failure) { try read(hex(row.text)) }
    }

    @Test("of a type or format that is not ours is passed over")
    func others() throws {
        #expect(try read(hex("80cf0001 00000007 80c90001 00000007")).first == .other(207))
        #expect(try read(hex("8fce0003 00000001 00000000 41424344")) == [.other(206)])
        #expect(try read(hex("9fcd0002 00000001 00000000")) == [.other(205)])
    }

    @Test("asks for any numbers with the fewest entries", arguments: 0..<100 as Range<UInt64>)
    func nack(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var number = UInt16.random(in: 0...(.max), using: &random)
        var missing: [UInt16] = []
        for _ in 0..<Int.random(in: 1...60, using: &random) {
            number &+= .random(in: 1...24, using: &random)
            missing.append(number)
        }
        let packet = RTCPPacket.nack(NegativeAcknowledgement(sender: 1, media: 2, missing: missing))
        let bytes = write([packet])
        #expect(try read(bytes) == [packet], "seed \(seed)")
        #expect(bytes.count <= 12 + 4 * missing.count)
    }

    @Test("estimates any rate to 18 bits", arguments: [0, 1, 262_143, 262_144, 1_000_001, 1 << 40, .max] as [UInt64])
    func estimate(rate: UInt64) throws {
        let sent = RTCPPacket.receiverEstimate(ReceiverEstimate(sender: 1, bitsPerSecond: rate, sources: []))
        guard case .receiverEstimate(let estimate)? = try read(write([sent])).first else { return }
        #expect(estimate.bitsPerSecond <= rate)
        #expect(rate - estimate.bitsPerSecond <= rate >> 17)
    }

    @Test("estimates no more than 64 bits")
    func hugeEstimate() throws {
        let bytes = hex("8fce0004 00000001 00000000 52454d42 00ffffff")
        #expect(
            try read(bytes)
                == [.receiverEstimate(ReceiverEstimate(sender: 1, bitsPerSecond: 0x3FFFF << 46, sources: []))])
    }

    @Test("tells of arrivals as it was written", arguments: 0..<300 as Range<UInt64>)
    func feedback(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var deltas: [Int16?] = []
        while deltas.count < Int.random(in: 1...300, using: &random) {
            let run = Int.random(in: 1...40, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: deltas += [Int16?](repeating: nil, count: run)
            case 1: deltas += (0..<run).map { _ in .random(in: 0...255, using: &random) }
            case 2: deltas += (0..<run).map { _ in .random(in: .min ... .max, using: &random) }
            default: deltas += (0..<run).map { _ in Bool.random(using: &random) ? nil : 4 }
            }
        }
        let packet = RTCPPacket.transportFeedback(
            TransportFeedback(
                sender: 1, media: 2, base: .random(in: 0...(.max), using: &random),
                reference: .random(in: -0x80_0000...0x7F_FFFF, using: &random), count: 3, deltas: deltas))
        #expect(try read(write([packet])) == [packet], "seed \(seed)")
    }
}

@Suite("An NTP time")
struct NTPTimeTests {
    @Test("is civil time since 1900")
    func civil() {
        #expect(NTPTime(WallTime(milliseconds: 0)).bits == (2_208_988_800 as UInt64) << 32)
        let bits: UInt64 = 2_208_988_800 << 32 | 0xC000_0000
        #expect(NTPTime(WallTime(milliseconds: 500), elapsed: .milliseconds(250)).bits == bits)
        let later = NTPTime(WallTime(milliseconds: 1_795_255_200_000), elapsed: .seconds(90) + .milliseconds(125))
        #expect(
            later.elapsed(since: NTPTime(WallTime(milliseconds: 1_795_255_200_000))) == .seconds(90)
                + .milliseconds(125))
    }

    @Test("gives the round trip of a report")
    func roundTrip() {
        let sent = NTPTime(WallTime(milliseconds: 1_000_000))
        let arrival = NTPTime(WallTime(milliseconds: 1_000_000), elapsed: .milliseconds(750))
        var report = ReceptionReport(source: 1, lastReport: sent.middle, sinceLastReport: 0x8000)
        let time = report.roundTrip(arrival: arrival) ?? .zero
        #expect(abs((time - .milliseconds(250)) / .microseconds(1)) < 20)
        report.sinceLastReport = 0xD000
        #expect(report.roundTrip(arrival: arrival) == .zero)
        report.lastReport = 0
        #expect(report.roundTrip(arrival: arrival) == nil)
    }
}
