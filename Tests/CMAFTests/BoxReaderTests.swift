// SPDX-License-Identifier: Apache-2.0

import Bytes
import CMAF
import Media
import Testing

@Suite("A box reader")
struct BoxReaderTests {
    @Test("finds boxes with sizes of 32 and 64 bits, and one up to the end")
    func sizes() {
        let bytes: [UInt8] =
            [0, 0, 0, 9] + Array("free".utf8) + [7]
            + [0, 0, 0, 1] + Array("mdat".utf8) + [0, 0, 0, 0, 0, 0, 0, 17, 8]
            + [0, 0, 0, 0] + Array("skip".utf8) + [9, 9]
        var reader = BoxReader(bytes[...])
        #expect(reader.next()?.payload == [7])
        #expect(reader.next()?.payload == [8])
        #expect(reader.next()?.payload == [9, 9])
        #expect(reader.next() == nil)
        #expect(!reader.isMalformed)
    }

    @Test("stops at a size that can not be true", arguments: ["00000007", "00000009", "0000000100", "ffffffff"])
    func malformed(size: String) throws {
        var reader = BoxReader(try #require([UInt8](hex: size + "66726565"))[...])
        #expect(reader.next() == nil)
        #expect(reader.isMalformed)
    }

    @Test("refuses or reads a fragment cut at any byte and with any bit flipped")
    func damage() throws {
        let stream = try RecordedStream("h264-aac")
        let bytes = FragmentWriter.write(stream.fragments(of: 12) { _ in 2 }[0])
        for length in 0..<600 { Self.walk(bytes.prefix(length)) }
        var random = SeededRandom(seed: 4)
        for _ in 0..<3_000 {
            var damaged = Array(bytes.prefix(500))
            damaged[Int.random(in: damaged.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            Self.walk(damaged[...])
        }
    }

    private static func walk(_ bytes: ByteSlice) {
        for box in BoxReader(bytes) where box.type == .moof {
            guard let movie = try? MovieFragment(box) else { continue }
            #expect(movie.tracks.allSatisfy { $0.samples.count <= bytes.count })
        }
    }

    @Test("does not make room for rows that are not there")
    func absurdCount() throws {
        let table = "0000001c" + "7472756e" + "00000f01" + "ffffffff" + "00000000" + "00000000" + "00000000"
        let header = "00000010" + "74666864" + "00020000" + "00000001"
        let moof = try #require([UInt8](hex: "0000003c" + "6d6f6f66" + "00000034" + "74726166" + header + table))
        let box = try #require(Array(BoxReader(moof[...])).first)
        #expect(throws: CMAFFailure.malformed(.trun)) { try MovieFragment(box) }
    }
}
