// SPDX-License-Identifier: Apache-2.0

import Bytes
import RTP
import TestKit
import Testing

@Suite("A picture assembler")
struct PictureAssemblerTests {
    typealias Output = PictureAssembler.Output

    /// Feeds steps: a payload in hexadecimal with its time, `|` behind it for the marker, or `lost`.
    private func run(_ codec: RTPCodec, _ steps: [(String, Int64)]) -> [String] {
        var assembler = PictureAssembler(codec, longest: .kibibytes(64))
        var output: [Output] = []
        for (text, time) in steps {
            guard text != "lost" else {
                assembler.lose(into: &output)
                continue
            }
            assembler.receive(
                hex(text.filter { $0 != "|" })[...], timestamp: time, marker: text.hasSuffix("|"), into: &output)
        }
        return output.map {
            switch $0 {
            case .lost: "lost"
            case .picture(let picture): "\(picture.timestamp) \(picture.payload.hex)"
            }
        }
    }

    @Test("ends a picture at the marker, and without one at the next time")
    func ends() {
        #expect(
            run(.h264, [("6188|", 1), ("6189", 2), ("618a|", 3)]) == [
                "1 000000026188", "2 000000026189", "3 00000002618a",
            ])
    }

    @Test("drops what packets are missing of, and takes the next that begins")
    func loss() {
        #expect(
            run(.h264, [("6188|", 1), ("lost", 0), ("7c0122", 2), ("7c4133|", 2), ("6189|", 3)])
                == ["1 000000026188", "lost", "lost", "3 000000026189"])
        #expect(run(.h264, [("7c8188", 1), ("lost", 0), ("7c4133|", 1), ("6189|", 3)]) == ["lost", "3 000000026189"])
        #expect(run(.h264, [("7c8188", 1), ("lost", 0), ("618a|", 2)]) == ["lost", "2 00000002618a"])
        #expect(run(.h264, [("lost", 0), ("lost", 0), ("6188|", 2)]) == ["lost", "2 000000026188"])
    }

    @Test("passes over probes")
    func probes() {
        #expect(run(.h264, [("7c8188", 1), ("", 1), ("7c4133|", 1), ("|", 2)]) == ["1 00000003618833"])
    }

    @Test("drops a picture that is too long")
    func tooLong() {
        var assembler = PictureAssembler(.vp8, longest: .kibibytes(1))
        var output: [Output] = []
        for index in 0..<3 {
            assembler.receive(
                [0x10] + [UInt8](repeating: 1, count: 500), timestamp: 0, marker: index == 2, into: &output)
        }
        #expect(output == [.lost])
        #expect(assembler.failure == .pictureLength(1024))
        assembler.receive([0x10, 1], timestamp: 1, marker: true, into: &output)
        #expect(output.count == 2)
    }

    @Test("survives nonsense of every codec", arguments: RTPCodec.allCases.filter(\.isVideo), 0..<40 as Range<UInt64>)
    func nonsense(codec: RTPCodec, seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var assembler = PictureAssembler(codec, longest: .kibibytes(64))
        var output: [Output] = []
        var sent = 0
        for _ in 0..<300 {
            var payload = noise(.random(in: 0...40, using: &random), using: &random)
            if !payload.isEmpty, Bool.random(using: &random) {
                payload[0] = [0x78, 0x7C, 0x60, 0x62, 0x10, 0x20, 0x90, 0x61].randomElement(using: &random) ?? 0
            }
            sent += payload.count * 3
            if Int.random(in: 0..<10, using: &random) == 0 { assembler.lose(into: &output) }
            assembler.receive(
                payload[...], timestamp: .random(in: 0...2, using: &random), marker: .random(using: &random),
                into: &output)
        }
        let made = output.reduce(0) { if case .picture(let picture) = $1 { $0 + picture.payload.count } else { $0 } }
        #expect(made <= sent, "seed \(seed)")
    }
}
