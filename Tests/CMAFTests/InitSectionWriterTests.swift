// SPDX-License-Identifier: Apache-2.0

import Bytes
import CMAF
import Media
import Testing

@Suite("An init section")
struct InitSectionWriterTests {
    @Test("holds the boxes that a player looks for, once a track", arguments: ["h264-aac", "hevc-opus", "av1-opus"])
    func boxes(name: String) throws {
        let stream = try RecordedStream(name)
        let bytes = InitSectionWriter.write(stream.tracks)
        let top = Array(BoxReader(bytes[...]))
        #expect(top.map(\.type) == [.ftyp, .moov])
        #expect(top[1].children.map(\.type) == ["mvhd", "trak", "trak", "mvex"])
        #expect(top[1].children.first { $0.type == "mvex" }?.children.map(\.type) == ["trex", "trex"])
        for (track, box) in zip(stream.tracks, top[1].children.filter { $0.type == "trak" }) {
            try Self.check(box, track)
        }
    }

    private static func check(_ box: Box, _ track: Track) throws {
        #expect(box.children.map(\.type) == ["tkhd", "mdia"])
        let header = try #require(box.children.first { $0.type == "tkhd" })
        #expect(header.payload.dropFirst(12).prefix(4).elementsEqual([0, 0, 0, track.id.number]))
        let media = try #require(box.children.first { $0.type == "mdia" })
        #expect(media.children.map(\.type) == ["mdhd", "hdlr", "minf"])
        let information = try #require(media.children.first { $0.type == "minf" })
        #expect(information.children.map(\.type) == [track.codec.isVideo ? "vmhd" : "smhd", "dinf", "stbl"])
        let table = try #require(information.children.first { $0.type == "stbl" })
        #expect(table.children.map(\.type) == ["stsd", "stts", "stsc", "stsz", "stco"])
        let entries = try #require(table.children.first { $0.type == "stsd" }).payload.dropFirst(8)
        let entry = try #require(Array(BoxReader(entries)).first)
        let names: [Codec: BoxType] = [.aac: "mp4a", .av1: "av01", .h264: "avc1", .hevc: "hvc1", .opus: "Opus"]
        #expect(entry.type == names[track.codec])
        let inner = Array(BoxReader(entry.payload.dropFirst(track.codec.isVideo ? 78 : 28)))
        switch track.parameters {
        case .video(let video): #expect(inner.first?.payload == video.record)
        case .audio(let audio) where audio.codec == .opus: #expect(inner.map(\.payload) == [audio.record])
        case .audio(let audio): #expect(inner.first?.payload.suffix(11).prefix(5) == audio.record)
        }
    }

    @Test("tells the shape of samples and the colours where the sequence does, and not otherwise")
    func presentation() throws {
        let anamorphic = try Self.section(
            avcC: "01640016ffe1001967640016acd940b424d820800000030100000300190f8a14cb01000668fba3cb22c0fdf8f800")
        #expect(anamorphic.contains("70617370" + "00000010" + "0000000b"))  // pasp 16:11
        #expect(anamorphic.contains("04170000" + "02400000"))  // tkhd 1047 × 576
        #expect(!anamorphic.contains("636f6c72"))
        let coloured = try Self.section(
            avcC: "01f4001fffe1001d67f4001f9196805005beef016a020202800000030080000019078c195001000568ce0f1920fff8f800")
        #expect(coloured.contains("636f6c72" + "6e636c78" + "000100010001" + "00"))  // colr nclx 1 1 1, limited range
        let plain = try Self.section(avcC: "01640016ffe1000b6764000dacd941419f9f0101000568ebecb22cfdf8f800")
        #expect(!plain.contains("636f6c72"))
    }

    private static func section(avcC hex: String) throws -> String {
        let record = try #require([UInt8](hex: hex))
        let track = Track(id: .video, parameters: .video(try VideoParameters(avcC: record[...])))
        return InitSectionWriter.write([track]).hex
    }
}
