// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import Testing

/// Heads of key frames that libvpx wrote of pictures of 318 x 180, with the records that ffmpeg's muxer wrote of them but
/// for the colours of RGB, which it left open; of VP8, which it does not mux, by hand.
private let rows: [VPRow] = [
    VPRow(.vp8, "7056009d012a3e01b4000047", "000b820202020000", "vp08.00.11.08"),
    VPRow(.vp9, "824983420013d00b360c3824", "000b820202020000", "vp09.00.11.08"),
    VPRow(.vp9, "924983420009e8059b081c12", "020ba20202020000", "vp09.02.11.10"),
    VPRow(.vp9, "a249834200027a0166c18704", "010b860202020000", "vp09.01.11.08"),
    VPRow(.vp9, "a2498342e013d00b36103824", "010b87010d000000", "vp09.01.11.08"),
]

private func hex(_ text: String) -> ByteSlice { ([UInt8](hex: text) ?? [])[...] }

@Suite("A configuration record of VP8 and VP9")
struct VPConfigurationTests {
    @Test("is made of a key frame", arguments: rows)
    fileprivate func keyFrames(row: VPRow) throws {
        let parameters = try VideoParameters(keyFrame: row.frame, row.codec)
        #expect((parameters.width, parameters.height) == (318, 180))
        #expect(parameters.codecString == row.codecString)
        #expect(Array(parameters.record) == row.record)
        #expect(VPFrame.isKeyFrame(row.frame, row.codec))
        #expect(try VideoParameters(vpcC: parameters.record, row.codec, width: 318, height: 180) == parameters)
    }

    @Test("is not made of other frames", arguments: ["86004050", "8a00", "92c0", "40", ""])
    func others(frame: String) {
        #expect(!VPFrame.isKeyFrame(hex(frame), .vp9) || frame == "92c0")
        #expect(throws: MediaFailure.self) { try VideoParameters(keyFrame: hex(frame), .vp9) }
        #expect(throws: MediaFailure.self) { try VideoParameters(keyFrame: hex("31" + frame), .vp8) }
    }

    @Test("is refused when it is cut, with a size of nothing, and when we would write it otherwise", arguments: rows)
    fileprivate func malformed(row: VPRow) {
        for length in 0..<row.record.count {
            let cut = row.record.prefix(length)
            #expect(throws: MediaFailure.self) { try VideoParameters(vpcC: cut, row.codec, width: 318, height: 180) }
        }
        for length in 0..<9 {
            let cut = row.frame.prefix(length)
            #expect(throws: MediaFailure.self) { try VideoParameters(keyFrame: cut, row.codec) }
        }
        let whole = row.record[...]
        for (width, height) in [(0, 180), (318, 0), (65_536, 180), (1920, 1080)] as [(UInt32, UInt32)] {
            #expect(throws: MediaFailure.self) {
                try VideoParameters(vpcC: whole, row.codec, width: width, height: height)
            }
        }
        #expect(throws: MediaFailure.self) {
            try VideoParameters(vpcC: whole + [0], row.codec, width: 318, height: 180)
        }
    }

    @Test("survives flipped bits", arguments: rows)
    fileprivate func bitFlips(row: VPRow) {
        for bit in 0..<row.frame.count * 8 {
            var frame = row.frame
            frame[frame.startIndex + bit / 8] ^= 1 << UInt8(bit % 8)
            guard let parameters = try? VideoParameters(keyFrame: frame, row.codec) else { continue }
            let again = try? VideoParameters(
                vpcC: parameters.record, row.codec, width: parameters.width, height: parameters.height)
            #expect(again == parameters, "bit \(bit)")
        }
    }

    @Test(
        "names a level with room for the picture",
        arguments: [
            (64, 64, 10), (640, 360, 21), (1280, 720, 31), (1920, 1080, 41), (3840, 2160, 51), (16_383, 16_383, 62),
        ])
    func levels(row: (width: Int, height: Int, level: UInt8)) throws {
        var frame: [UInt8] = [0, 0, 0, 0x9D, 0x01, 0x2A]
        for side in [row.width, row.height] { frame += [UInt8(side & 255), UInt8(side >> 8)] }
        #expect(try VideoParameters(keyFrame: frame[...], .vp8).record.dropFirst().first == row.level)
    }
}

private struct VPRow: Sendable, CustomTestStringConvertible {
    let codec: Codec
    let frame: ByteSlice
    let record: [UInt8]
    let codecString: String

    init(_ codec: Codec, _ frame: String, _ record: String, _ codecString: String) {
        self.codec = codec
        self.frame = hex(frame)
        self.record = Array(hex(record))
        self.codecString = codecString
    }

    var testDescription: String { "\(codecString) \(record)" }
}
