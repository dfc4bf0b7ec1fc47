// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import Identity
import Media
import TestKit
import Testing

@Suite("A feed record's bytes")
struct FeedRecordCodecTests {
    static let records: [(record: FeedRecord, hex: String)] = [
        (
            .accessUnit(
                AccessUnit(
                    track: .video, decodeTime: MediaTime(ticks: 180_000, timescale: .video), compositionOffset: -3000,
                    isRandomAccess: true, payload: [0xAA, 0xBB])), "01010101" + "90bf05" + "c0fc15" + "ef2e" + "02aabb"
        ),
        (.end(.stopped), "010202"),
        (.gap(Gap(msn: 300, duration: .seconds(2))), "0103" + "ac02" + "0400"),
        (.stored(.max), "0107" + "ffffffffffffffffff01"),
        (
            .partEnd(
                PartEnd(
                    position: PartPosition(msn: 7, part: 3),
                    ends: [TrackTime(track: .video, ticks: 45_000), TrackTime(track: .audio, ticks: 24_576)],
                    duration: .milliseconds(500), isIndependent: true, closesSegment: true,
                    digests: [SegmentDigest(rendition: .main, sha256: [1, 2, 3])])),
            "0105" + "07" + "06" + "02" + "0190bf05" + "02808003" + "00" + "808090bbbad6adf00d" + "01" + "01" + "01"
                + "046d61696e" + "03010203"
        ),
        (
            .segmentStart(
                SegmentStart(
                    msn: 7, firstDecodeTimes: [TrackTime(track: .video, ticks: 0)], firstFragmentNumber: 5,
                    programDateTime: WallTime(milliseconds: 1000), discontinuitySequence: 1, isDiscontinuity: true,
                    parameters: 2, targetDuration: 2, partTarget: .seconds(1), cdnBase: "x")),
            "0106" + "07" + "01" + "0100" + "05" + "d00f" + "01" + "01" + "02" + "0104" + "010200" + "01" + "010178"
        ),
        (
            .parameters(
                Parameters(
                    number: 1,
                    tracks: [
                        Track(
                            id: .video,
                            parameters: .video(
                                VideoParameters(
                                    codec: .h264, record: ([UInt8](hex: avcC) ?? [])[...], width: 320, height: 180,
                                    frameRate: 30, codecString: "v"))),
                        Track(
                            id: .audio,
                            parameters: .audio(
                                AudioParameters(
                                    codec: .aac, record: [0x11, 0x90], sampleRate: 48_000, channels: 2,
                                    codecString: "a", samplesPerUnit: 1024))),
                    ])),
            "0104" + "01" + "02" + videoTrack + audioTrack
        ),
    ]

    static let avcC = "014d400dffe10019674d400deca0a0cfcf8088000003000800000301e078a14cb001000568ebe3cb20"
    static let videoTrack = "01046d61696e" + "03" + "29" + avcC + "c002" + "b401" + "01403e000000000000" + "0176"
    static let audioTrack = "02046d61696e" + "01" + "021190" + "80f702" + "02" + "0161" + "018008"

    @Test("are refused where no writer could use them: tracks, their numbers, their configuration records")
    func unusableTracks() throws {
        let dOps = "000201380000bb80000000"
        let opus = "02046d61696e" + "05" + "0b" + dOps + "80f702" + "02" + "0161" + "00"
        let (avcC, videoTrack, audioTrack) = (Self.avcC, Self.videoTrack, Self.audioTrack)
        let cases: [(String, Bool)] = [
            ("01" + opus, true), ("01" + audioTrack, true), ("00", false), ("02" + audioTrack + audioTrack, false),
            ("02" + audioTrack + videoTrack, false), ("01" + "00" + audioTrack.dropFirst(2), false),
            ("01" + opus.replacing("0b" + dOps, with: "03000201"), false),
            ("01" + audioTrack.replacing("021190", with: "0111"), false),
            ("01" + audioTrack.replacing("80f702", with: "00"), false),
            ("01" + videoTrack.replacing("c002", with: "c003"), false),
            ("01" + videoTrack.replacing("29" + avcC, with: "0101"), false),
        ]
        for (tracks, isGood) in cases {
            let bytes = try #require([UInt8](hex: "0104" + "01" + tracks))
            if isGood {
                #expect(throws: Never.self) { try FeedRecordDecoder().record(from: bytes[...]) }
            } else {
                #expect(throws: FeedFailure.malformed, "\(tracks)") { try FeedRecordDecoder().record(from: bytes[...]) }
            }
        }
    }

    @Test("are these, and no others", arguments: records)
    func golden(record: FeedRecord, hex: String) throws {
        #expect(encode(record).hex == hex)
        #expect(try FeedRecordDecoder().record(from: encode(record)[...]) == record)
    }

    @Test("are refused when cut at any byte, or when more follows", arguments: records.map(\.record))
    func truncation(record: FeedRecord) {
        let bytes = encode(record)
        for length in bytes.indices {
            #expect(throws: FeedFailure.truncated) { try FeedRecordDecoder().record(from: bytes[..<length]) }
        }
        #expect(throws: FeedFailure.malformed) { try FeedRecordDecoder().record(from: (bytes + [0])[...]) }
    }

    @Test("with flipped bits give another record of the same bytes, or a refusal", arguments: records.map(\.record))
    func bitFlips(record: FeedRecord) {
        let bytes = encode(record)
        for bit in 0..<(bytes.count * 8) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let other = try? FeedRecordDecoder().record(from: flipped[...]) else { continue }
            #expect(encode(other) == flipped, "bit \(bit)")
            #expect(other != record, "bit \(bit)")
        }
    }

    @Test(
        "are refused",
        arguments: [
            ("0207", .unknownVersion(2)), ("0108", .unknownKind(8)), ("010204", .malformed), ("01078000", .malformed),
            ("0107ffffffffffffffffff02", .malformed), ("0107ffffffffffffffffffff01", .malformed),
            ("010101010000" + "0000", .malformed),
            ("0104" + "01" + "ffffffffff7f", .truncated),
            ("01010101" + "90bf05" + "c0fc15" + "00" + "ffffffffffffffff7f", .truncated),
            ("0105" + "07" + "06" + "ffffffffffffffff7f" + "01", .truncated),
            ("0103" + "00" + "02" + "01", .malformed),
        ] as [(String, FeedFailure)])
    func absurd(hex: String, failure: FeedFailure) throws {
        let bytes = try #require([UInt8](hex: hex))
        #expect(throws: failure) { try FeedRecordDecoder().record(from: bytes[...]) }
    }

    @Test("at random never do harm", arguments: UInt64(1)...20)
    func noise(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            var bytes: [UInt8] = [1, .random(in: 1...7, using: &random)]
            for _ in 0..<Int.random(in: 0...60, using: &random) { bytes.append(.random(in: 0...255, using: &random)) }
            guard let record = try? FeedRecordDecoder().record(from: bytes[...]) else { continue }
            #expect(encode(record) == bytes, "seed \(seed): \(bytes.hex)")
        }
    }

    private func encode(_ record: FeedRecord) -> [UInt8] {
        var bytes: [UInt8] = []
        FeedRecordEncoder().append(record, to: &bytes)
        return bytes
    }
}
