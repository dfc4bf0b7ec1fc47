// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTMP
import Testing

@Suite("An FLV file")
struct FLVTests {
    private static let file: [UInt8] = {
        let tags = [0 as UInt32, 0xFFFFFF, 0x100_0000, .max].map {
            MediaTag(kind: .audio, timestamp: $0, header: [0xAF], payload: [1, 2, 3])
        }
        return FLVWriter().header(hasVideo: false, hasAudio: true) + tags.flatMap(FLVWriter().write)
    }()

    private func read(_ bytes: [UInt8]) throws -> [MediaMessage] {
        var decoder = FLVDecoder()
        decoder.append(bytes)
        var messages: [MediaMessage] = []
        while let message = try decoder.next() { messages.append(message) }
        return messages
    }

    @Test("begins as the standard says")
    func header() {
        #expect(FLVWriter().header(hasVideo: true, hasAudio: true) == hex("464c5601 05 00000009 00000000"))
        #expect(Self.file[13..<28] == hex("08 000004 000000 00 000000 af010203")[...])
        #expect(Self.file[28..<32] == hex("0000000f")[...])
    }

    @Test("has no tag that is too long to say so, and neither have chunks")
    func tooLong() {
        for (length, isWritten) in [(1 << 24 - 2, true), (1 << 24 - 1, false)] {
            let body = [UInt8](repeating: 0, count: length)
            let tag = MediaTag(kind: .video, timestamp: 0, header: [0x17], payload: body[...])
            #expect(FLVWriter().write(tag).isEmpty != isWritten)
            #expect(ChunkEncoder().encode(tag).isEmpty != isWritten)
        }
    }

    @Test("gives all whole tags before a cut")
    func truncation() throws {
        for length in Self.file.indices {
            #expect(try read(Array(Self.file[..<length])).count == max(0, (length - 13) / 19), "\(length)")
        }
        #expect(try read(Self.file).map(\.timestamp) == [0, 0xFFFFFF, 0x100_0000, .max])
    }

    @Test("passes over tags of unknown kinds")
    func unknownTag() throws {
        let bytes = Array(Self.file[..<13]) + hex("0f 000001 000000 00 000000 aa 0000000c") + Self.file[13...]
        #expect(try read(bytes).count == 4)
    }

    @Test(
        "is refused where it is none",
        arguments: [
            ("4d", FLVFailure.notFLV), ("464c5602", .notFLV), ("464c560105 7fffffff", .headerLength(0x7FFF_FFFF)),
            ("464c560105 00000008", .headerLength(8)),
            ("464c560105 00000009 00000000 09 ffffff 000000 00 000000", .tagLength(0xFFFFFF)),
            ("464c560105 00000009 00000000 29 000001 000000 00 000000", .encrypted),
        ])
    func refused(text: String, failure: FLVFailure) {
        #expect(throws: failure) { try read(hex(text)) }
    }

    @Test("never traps when damaged", arguments: 0..<100 as Range<UInt64>)
    func bitFlips(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var bytes = Self.file
        for _ in 0..<4 {
            bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
        }
        _ = try? read(bytes)
    }
}
