// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTP
import TestKit
import Testing

@Suite("Payloads of VP8 and VP9")
struct VPPayloadTests {
    @Test(
        "give the frames back at any length of payload", arguments: [.vp8, .vp9] as [RTPCodec], 0..<100 as Range<UInt64>
    )
    func roundTrip(codec: RTPCodec, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let longest = Int.random(in: 64...1500, using: &random)
        let packetizer = VPPacketizer(codec, settings: PacketizerSettings(longestPayload: longest))
        var (frames, sent): ([[UInt8]], [[[UInt8]]]) = ([], [])
        for index in 0..<4 {
            var frame = noise(.random(in: 1...5000, using: &random), using: &random)
            frame[0] = codec == .vp8 ? frame[0] & 0xFE | (index == 0 ? 0 : 1) : index == 0 ? 0x82 : 0x86
            var batch = PayloadBatch()
            packetizer.packetize(frame[...], isRandomAccess: index == 0, into: &batch)
            frames.append(frame)
            sent.append(payloads(batch))
        }
        #expect(sent.joined().allSatisfy { $0.count <= longest }, "seed \(seed)")
        #expect(
            assemble(codec, sent)
                == frames.enumerated().map { .picture(.init(timestamp: Int64($0) * 3000, payload: $1[...])) },
            "seed \(seed)")
        let starts = sent.joined().map { codec.beginsRandomAccess($0[...]) }
        #expect(starts.enumerated().allSatisfy { $1 == ($0 == 0) }, "seed \(seed)")
    }

    /// RFC 7741 §4.2: each optional field alone and all together.
    @Test(
        "of VP8 begin with a descriptor",
        arguments: [
            ("10 aa", "s0"), ("00 aa", "0"), ("33 aa", "ns3"), ("9080 81ff aa", "s0 p511"), ("9080 7f aa", "s0 p127"),
            ("90f0 8001 05 e1 aa", "s0 p1 t5 l225"), ("9040 05 aa", "s0 t5"), ("9010 1f aa", "s0 l31"),
            ("9020 c0 aa", "s0 l192"),
        ])
    func vp8(row: (bytes: String, meaning: String)) throws {
        var payload = hex(row.bytes)[...]
        let descriptor = try VP8Descriptor(parsing: &payload)
        var meaning =
            (descriptor.isDisposable ? "n" : "") + (descriptor.beginsPartition ? "s" : "") + "\(descriptor.partition)"
        switch descriptor.pictureID {
        case .long(let number): meaning += " p\(number)"
        case .short(let number): meaning += " p\(number)"
        case nil: break
        }
        if let index = descriptor.baseIndex { meaning += " t\(index)" }
        if let layer = descriptor.layer { meaning += " l\(layer)" }
        #expect(meaning == row.meaning)
        #expect(payload == [0xAA])
        var again: [UInt8] = []
        descriptor.append(to: &again)
        var rest = (again + [0xAA])[...]
        #expect(try VP8Descriptor(parsing: &rest) == descriptor)
    }

    /// RFC 9628 §4.2: flexible mode with three references, not flexible with layers, a scalability structure.
    @Test(
        "of VP9 begin with a descriptor",
        arguments: [
            ("8c 81ff aa", "begins ends p511 s0"), ("dc 8001 03 05 06 aa", "predicted begins ends p1 s0"),
            ("ac 05 43 07 aa", "begins ends p5 s1"), ("08 aa", "begins s0"),
            ("0a 18 0140 00b4 02 04 01 08 0102 aa", "begins s0"), ("c4 7f aa", "predicted ends p127 s0"),
        ])
    func vp9(row: (bytes: String, meaning: String)) throws {
        var payload = hex(row.bytes)[...]
        let descriptor = try VP9Descriptor(parsing: &payload)
        var meaning: [String] = []
        if descriptor.isPredicted { meaning.append("predicted") }
        if descriptor.beginsFrame { meaning.append("begins") }
        if descriptor.endsFrame { meaning.append("ends") }
        if let number = descriptor.pictureID { meaning.append("p\(number)") }
        #expect((meaning + ["s\(descriptor.spatialLayer)"]).joined(separator: " ") == row.meaning)
        #expect(payload == [0xAA])
    }

    @Test(
        "are refused when they are cut in the descriptor or behind it",
        arguments: [
            (.vp8, "90f0 8001 05 e1 aa"), (.vp9, "9a 05 18 0140 00b4 02 04 01 08 0102 aa"),
            (.vp9, "fc 8001 20 03 05 06 aa"),
        ]
            as [(RTPCodec, String)])
    func truncation(row: (codec: RTPCodec, text: String)) {
        let bytes = hex(row.text)
        for length in 1..<bytes.count {
            #expect(assemble(row.codec, [[Array(bytes.prefix(length))]]) == [.lost], "\(length) bytes")
        }
    }
}
