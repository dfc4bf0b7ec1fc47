// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import RTP
import TestKit
import Testing

@Suite("Payloads of AV1")
struct AV1PayloadTests {
    /// A temporal unit of OBUs with sizes.
    static func unit(_ obus: [(type: UInt8, payload: [UInt8], hasLayer: Bool)]) -> [UInt8] {
        var bytes: [UInt8] = []
        for obu in obus {
            bytes.append(obu.type << 3 | 2 | (obu.hasLayer ? 4 : 0))
            if obu.hasLayer { bytes.append(0x20) }
            var size = obu.payload.count
            while size > 127 {
                bytes.append(UInt8(size & 127) | 128)
                size >>= 7
            }
            bytes.append(UInt8(size))
            bytes += obu.payload
        }
        return bytes
    }

    @Test("give the OBUs back at any length of payload", arguments: 0..<300 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let longest = Int.random(in: 64...1500, using: &random)
        let obus = (0..<Int.random(in: 1...9, using: &random)).map { _ in
            (
                type: [1, 3, 4, 5, 6, 6, 6].randomElement(using: &random) ?? 6 as UInt8,
                payload: noise(.random(in: 0...3000, using: &random), using: &random),
                hasLayer: Bool.random(using: &random)
            )
        }
        let unit = Self.unit(obus)
        var batch = PayloadBatch()
        #expect(
            AV1Packetizer(settings: PacketizerSettings(longestPayload: longest))
                .packetize(unit[...], isRandomAccess: true, into: &batch))
        let found = payloads(batch)
        #expect(found.allSatisfy { $0.count <= longest }, "seed \(seed)")
        #expect(found.enumerated().allSatisfy { RTPCodec.av1.beginsRandomAccess($1[...]) == ($0 == 0) }, "seed \(seed)")
        #expect(assemble(.av1, [found]) == [.picture(.init(timestamp: 0, payload: unit[...]))], "seed \(seed)")
    }

    @Test("are equal in size but for the last", arguments: [1200, 3000, 100_000])
    func equalPayloads(size: Int) {
        var random = SeededRandom(seed: 3)
        var batch = PayloadBatch()
        let unit = Self.unit([(6, noise(size, using: &random), false)])
        #expect(AV1Packetizer().packetize(unit[...], isRandomAccess: false, into: &batch))
        let sizes = payloads(batch).map(\.count)
        #expect(Set(sizes.dropLast()).count == 1)
        #expect(sizes.count == (size + 1178) / 1179 || sizes.count == (size + 1178) / 1179 + 1)
    }

    /// "RTP Payload Format For AV1" §4.4: two elements with W 2; three with W 0; one in two payloads; sizes kept by the
    /// sender; a temporal delimiter, which goes.
    @Test(
        "are read as the specification lays them out",
        arguments: [
            (["20 02 08aa 30bb"], "0a01aa 3201bb"),
            (["00 02 08aa 02 30bb 02 30cc"], "0a01aa 3201bb 3201cc"),
            (["50 30aabb", "90 ccdd"], "3204aabbccdd"),
            (["50 30", "d0 aa", "90 bb"], "3202aabb"),
            (["10 3202aabb"], "3202aabb"),
            (["20 01 10 30bb"], "3201bb"),
            (["18 3420aa"], "362001aa"),
        ] as [([String], String)])
    func layouts(row: (payloads: [String], unit: String)) {
        #expect(
            assemble(.av1, [row.payloads.map { hex($0) }])
                == [.picture(.init(timestamp: 0, payload: hex(row.unit)[...]))])
    }

    @Test(
        "are refused where they contradict themselves",
        arguments: [
            ["10"], ["90 30aa"], ["50 30aa"], ["50 30aa", "10 30bb"], ["20 09 08aa"], ["20 02 08aa"], ["00 ff"],
            ["10 b0aa"], ["10 3205aa"], ["10 34"], ["00 8080808080808080 01"],
        ])
    func contradictions(row: [String]) {
        #expect(assemble(.av1, [row.map { hex($0) }]) == [.lost])
    }

    @Test("are none of a unit that can not be read")
    func refused() {
        var batch = PayloadBatch()
        #expect(!AV1Packetizer().packetize([0x12, 0x00], isRandomAccess: false, into: &batch))
        #expect(!AV1Packetizer().packetize([0x32, 0x09, 1], isRandomAccess: false, into: &batch))
        #expect(!AV1Packetizer().packetize([], isRandomAccess: false, into: &batch))
        #expect(batch.isEmpty)
    }
}
