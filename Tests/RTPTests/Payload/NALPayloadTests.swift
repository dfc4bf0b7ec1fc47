// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP
import TestKit
import Testing

@Suite("Payloads of H.264 and HEVC")
struct NALPayloadTests {
    static func parameters(_ codec: RTPCodec) throws -> VideoParameters {
        let name = codec == .hevc ? "hevc-opus" : "h264-aac"
        guard case .video(let video)? = try Recording(name).tracks.first?.parameters else { throw RTPFailure.truncated }
        return video
    }

    /// A NAL unit whose header is that of a slice, of `count` bytes.
    static func slice(_ codec: RTPCodec, _ count: Int, using random: inout SeededRandom) -> [UInt8] {
        let head: [UInt8] = codec == .hevc ? [0x02, 0x01] : [0x41]
        return head + noise(max(1, count - head.count), using: &random)
    }

    @Test(
        "give the units back at any length of payload", arguments: [.h264, .hevc] as [RTPCodec],
        0..<150 as Range<UInt64>)
    func roundTrip(codec: RTPCodec, seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let longest = Int.random(in: 64...1500, using: &random)
        let packetizer = NALPacketizer(
            try Self.parameters(codec), settings: PacketizerSettings(longestPayload: longest))
        var sent: [[UInt8]] = []
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            sent.append(Self.slice(codec, .random(in: 3...6000, using: &random), using: &random))
        }
        var batch = PayloadBatch()
        #expect(packetizer.packetize(picture(sent), isRandomAccess: false, into: &batch))
        #expect((0..<batch.count).allSatisfy { batch[$0].count <= longest }, "seed \(seed)")
        #expect(
            assemble(codec, [payloads(batch)]) == [.picture(.init(timestamp: 0, payload: picture(sent)))],
            "seed \(seed)")
    }

    @Test(
        "are equal in size but for the last of a unit", arguments: [.h264, .hevc] as [RTPCodec],
        [1181, 2000, 2357, 50_000])
    func equalFragments(codec: RTPCodec, size: Int) throws {
        var random = SeededRandom(seed: 7)
        var batch = PayloadBatch()
        let unit = Self.slice(codec, size, using: &random)
        #expect(
            NALPacketizer(try Self.parameters(codec)).packetize(picture([unit]), isRandomAccess: false, into: &batch))
        let sizes = payloads(batch).map(\.count)
        #expect(Set(sizes.dropLast()).count == 1)
        #expect(
            sizes.count == (size - (codec == .hevc ? 2 : 1) + 1176 + (codec == .hevc ? 0 : 1))
                / (codec == .hevc ? 1177 : 1178))
        #expect((sizes.last ?? 0) <= (sizes.first ?? 0))
    }

    @Test("bring the parameter sets before a random access point, and leave out what nobody needs")
    func parameterSets() throws {
        let packetizer = NALPacketizer(try Self.parameters(.h264))
        var batch = PayloadBatch()
        let units: [[UInt8]] = [[0x09, 0xF0], [0x06, 5, 1, 2, 0x80], [0x65, 0x88, 1], [0x0C, 0xFF, 0x80]]
        #expect(packetizer.packetize(picture(units), isRandomAccess: true, into: &batch))
        let found = payloads(batch)
        #expect(found.count == 2)
        #expect(found[0][0] == 0x78)  // STAP-A, nal_ref_idc 3
        #expect(found[0][3] & 31 == 7)
        #expect(found[1] == units[2])
        #expect(RTPCodec.h264.beginsRandomAccess(found[0][...]))
        #expect(RTPCodec.h264.beginsRandomAccess(found[1][...]))
    }

    @Test("are none where there is no picture, or a length lies")
    func refused() throws {
        let packetizer = NALPacketizer(try Self.parameters(.h264))
        var batch = PayloadBatch()
        #expect(!packetizer.packetize(picture([[0x06, 5, 1, 2, 0x80]]), isRandomAccess: true, into: &batch))
        #expect(!packetizer.packetize([0, 0, 0, 9, 0x65, 1], isRandomAccess: true, into: &batch))
        #expect(!packetizer.packetize([], isRandomAccess: true, into: &batch))
        #expect(batch.isEmpty)
    }

    /// RFC 6184 §5.7.1 and §5.8, RFC 7798 §4.4.2 and §4.4.3, laid out by hand.
    @Test(
        "are read as the standards lay them out",
        arguments: [
            (
                .h264, ["67420a", "78 0003 67420a 0002 68ce", "7c 85 8811", "7c 05 22", "7c 45 33"],
                "67420a 67420a 68ce 6588112233"
            ),
            (.h264, ["61 9a"], "619a"),
            (
                .hevc, ["6001 0003 40010c 0004 42010101", "6201 93 af01", "6201 13 02", "6201 53 03"],
                "40010c 42010101 2601af010203"
            ),
        ] as [(RTPCodec, [String], String)])
    func layouts(row: (codec: RTPCodec, payloads: [String], units: String)) {
        let expected = picture(row.units.split(separator: " ").map { hex(String($0)) })
        #expect(
            assemble(row.codec, [row.payloads.map { hex($0) }])
                == [.picture(.init(timestamp: 0, payload: expected))])
    }

    @Test(
        "are refused where they contradict themselves",
        arguments: [
            (.h264, ["78"]), (.h264, ["78 0004 6742"]), (.h264, ["78 0000"]), (.h264, ["7c 85"]), (.h264, ["7c 05 22"]),
            (.h264, ["7c 85 88", "7c 85 88"]), (.h264, ["7c 85 88", "61 9a"]), (.h264, ["7c 85 88", "78 0002 68ce"]),
            (.h264, ["7c 85 88"]), (.h264, ["79 0000 0003 67420a"]), (.h264, ["7d 85 0000 88"]), (.h264, ["60 11"]),
            (.hevc, ["6001"]), (.hevc, ["6001 0001 40"]), (.hevc, ["6201 13 02"]), (.hevc, ["6401 000000"]),
            (.hevc, ["02"]),
        ] as [(RTPCodec, [String])])
    func contradictions(row: (codec: RTPCodec, payloads: [String])) {
        #expect(assemble(row.codec, [row.payloads.map { hex($0) }]) == [.lost])
    }
}
