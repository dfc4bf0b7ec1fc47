// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import Testing

@Suite("An audio configuration record")
struct AudioConfigurationTests {
    @Test(
        "of AAC tells core rate, channels and codec string",
        arguments: [
            ("1210", 44_100, 2, "mp4a.40.2"),
            ("121056e500", 44_100, 2, "mp4a.40.2"),  // ffmpeg, SBR told to be absent
            ("120856e500", 44_100, 1, "mp4a.40.2"),
            ("1190", 48_000, 2, "mp4a.40.2"),
            ("11b0", 48_000, 6, "mp4a.40.2"),
            ("139056e5a0", 22_050, 2, "mp4a.40.5"),  // SBR behind the core's configuration
            ("2b920800", 22_050, 2, "mp4a.40.5"),  // SBR first
            ("eb8a0800", 22_050, 1, "mp4a.40.29"),
            ("17805dc008", 48_000, 1, "mp4a.40.2"),  // rate written out
            ("118004c400002000", 48_000, 2, "mp4a.40.2"),  // a program config element with one pair
        ] as [(String, UInt32, UInt8, String)])
    func aac(hex: String, rate: UInt32, channels: UInt8, codecString: String) throws {
        let record = try #require([UInt8](hex: hex))
        let parameters = try AudioParameters(audioSpecificConfig: record[...])
        #expect(parameters.sampleRate == rate)
        #expect(parameters.channels == channels)
        #expect(parameters.codecString == codecString)
        #expect(parameters.samplesPerUnit == 1024)
        #expect(parameters.record.elementsEqual(record))
    }

    @Test("of AAC with 960 samples a unit says so")
    func shortFrames() throws {
        #expect(try AudioParameters(audioSpecificConfig: [0x12, 0x14]).samplesPerUnit == 960)
    }

    @Test(
        "of AAC that no player takes is refused",
        arguments: [
            ("1280", "truncated"), ("", "truncated"), ("f94640", "type"), ("1690", "rate"), ("1248", "channels"),
        ])
    func refused(hex: String, reason: String) throws {
        let record = try #require([UInt8](hex: hex))
        switch reason {
        case "truncated": _ = expectFailure(.truncated, record.dropLast())
        case "type": _ = expectFailure(.unsupported("audioObjectType"), record[...])
        case "rate": _ = expectFailure(.malformed("samplingFrequency"), record[...])
        default: _ = expectFailure(.malformed("channelConfiguration"), record[...])
        }
    }

    private func expectFailure(_ failure: MediaFailure, _ record: ByteSlice) -> MediaFailure? {
        #expect(throws: failure) { try AudioParameters(audioSpecificConfig: record) }
    }

    @Test("of Opus turns from OpusHead to dOps")
    func opus() throws {
        let head = Array("OpusHead".utf8) + [1, 2, 0x38, 1, 0x80, 0xBB, 0, 0, 0, 0, 0]
        let parameters = try AudioParameters(opusHead: head[...])
        #expect(parameters.record.hex == "000201380000bb80000000")  // as ffmpeg's muxer writes it
        #expect(parameters.sampleRate == 48_000 && parameters.channels == 2 && parameters.codecString == "opus")
        #expect(try AudioParameters(dOps: parameters.record) == parameters)
        #expect(try AudioParameters(dOps: parameters.record + [9]) == parameters)
    }

    @Test("of Opus 5.1 keeps the mapping")
    func surround() throws {
        let record = try #require([UInt8](hex: "000601380000bb800000010402000401020305"))
        let parameters = try AudioParameters(dOps: record[...])
        #expect(parameters.channels == 6)
        #expect(parameters.record.elementsEqual(record))
    }

    @Test("is refused or whole when cut at any byte, and survives flipped bits")
    func damage() throws {
        let records = ["121056e500", "2b920800", "118004c400002000", "000601380000bb800000010402000401020305"]
        var random = SeededRandom(seed: 2)
        for text in records {
            let record = try #require([UInt8](hex: text))
            for length in record.indices {
                _ = try? AudioParameters(audioSpecificConfig: record.prefix(length))
                #expect(throws: MediaFailure.truncated) { try AudioParameters(dOps: record.prefix(min(length, 10))) }
            }
            for _ in 0..<2_000 {
                var bytes = record
                bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                for parameters in [
                    try? AudioParameters(audioSpecificConfig: bytes[...]), try? AudioParameters(dOps: bytes[...]),
                    try? AudioParameters(opusHead: Array("OpusHead".utf8) + bytes[...]),
                ] where parameters != nil {
                    #expect(parameters?.channels != 0 && parameters?.sampleRate != 0, "\(bytes.hex)")
                }
            }
        }
    }
}
