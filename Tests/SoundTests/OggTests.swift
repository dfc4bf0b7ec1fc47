// SPDX-License-Identifier: Apache-2.0

import Bytes
import Sound
import TestKit
import Testing

@Suite("Opus in Ogg")
struct OggTests {
    @Test("is read as it was written, however it is cut", arguments: 0..<50 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let packets = OggWriter.opus(20, &random)
        var writer = OggWriter()
        writer.appendHeads(preSkip: 312)
        var granule: Int64 = 0
        var rest = packets[...]
        while !rest.isEmpty {
            let page = Array(rest.prefix(Int.random(in: 1...4, using: &random)))
            rest = rest.dropFirst(page.count)
            granule += Int64(page.count) * 960
            writer.append(page, granule: granule)
        }
        var decoder = OpusFromOgg()
        var found: [OpusFromOgg.Packet] = []
        var bytes = writer.bytes[...]
        while !bytes.isEmpty {
            let piece = bytes.prefix(Int.random(in: 1...500, using: &random))
            decoder.append(piece)
            found += try decoder.packets()
            bytes = bytes.dropFirst(piece.count)
        }
        #expect(found.map { Array($0.payload) } == packets, "seed \(seed)")
        #expect(found.map(\.position) == (0..<20).map { $0 * 960 - 312 }, "seed \(seed)")
    }

    @Test("goes on over pages in a packet that is longer than one")
    func continues() throws {
        let packet = [UInt8](repeating: 0x78, count: 600)
        let segments = OggWriter.segments(packet)
        var writer = OggWriter()
        writer.appendHeads(preSkip: 0)
        writer.append(segments: Array(segments.prefix(1)), granule: -1)
        writer.append(segments: Array(segments.dropFirst()), granule: 960, continues: true)
        var decoder = OpusFromOgg()
        decoder.append(writer.bytes)
        let found = try decoder.packets()
        #expect(found.map { Array($0.payload) } == [packet])
        #expect(found.map(\.position) == [0])
    }

    @Test("says where samples are missing")
    func gap() throws {
        var writer = OggWriter()
        writer.appendHeads(preSkip: 120)
        writer.append([[0xF8, 1]], granule: 960)
        writer.append([[0xF8, 2]], granule: 4800)
        var decoder = OpusFromOgg()
        decoder.append(writer.bytes)
        let found = try decoder.packets()
        #expect(found.map(\.position) == [-120, 3720])
    }

    @Test("gives nothing that was cut off, at whatever byte")
    func truncation() throws {
        var random = SeededRandom(seed: 1)
        var writer = OggWriter()
        writer.appendHeads(preSkip: 0)
        let packets = OggWriter.opus(4, &random)
        writer.append(Array(packets[..<2]), granule: 1920)
        writer.append(Array(packets[2...]), granule: 3840)
        for length in 0..<writer.bytes.count {
            var decoder = OpusFromOgg()
            decoder.append(writer.bytes.prefix(length))
            let found = try decoder.packets()
            #expect(found.map { Array($0.payload) } == Array(packets.prefix(found.count)))
            #expect(found.count == 0 || found.count == 2)
        }
    }

    @Test("survives any bits turned over", arguments: 0..<300 as Range<UInt64>)
    func flips(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var writer = OggWriter()
        writer.appendHeads(preSkip: 312)
        writer.append(OggWriter.opus(5, &random), granule: 4800)
        var bytes = writer.bytes
        for _ in 0..<4 {
            bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
        }
        var decoder = OpusFromOgg()
        decoder.append(bytes)
        let found = (try? decoder.packets()) ?? []
        #expect(found.count <= 5, "seed \(seed)")
    }

    @Test("is refused where it is something else, or never ends")
    func malformed() {
        var decoder = OpusFromOgg()
        decoder.append(Array("RIFF".utf8))
        #expect(throws: SoundFailure.self) { _ = try decoder.packets() }
        var endless = OggWriter()
        let segment = [UInt8](repeating: 1, count: 255)[...]
        for _ in 0..<2 { endless.append(segments: Array(repeating: segment, count: 255), granule: -1, continues: true) }
        var reader = OggDecoder()
        reader.append(endless.bytes)
        #expect(throws: SoundFailure.self) { _ = try reader.next() }
    }
}
