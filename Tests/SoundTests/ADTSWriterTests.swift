// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import Sound
import Testing

@Suite("A writer of ADTS")
struct ADTSWriterTests {
    @Test(
        "says profile, rate, channels and length",
        arguments: [
            // AudioSpecificConfig; profile, rate's index, channels.
            ("1210", 1, 4, 2), ("1190", 1, 3, 2), ("1388", 1, 7, 1), ("2b920800", 1, 7, 2), ("eb8a0800", 1, 7, 1),
            ("0a10", 0, 4, 2),
        ])
    func header(record: String, profile: Int, rate: Int, channels: Int) throws {
        let config = try #require([UInt8](hex: record))
        let writer = try #require(ADTSWriter(try AudioParameters(audioSpecificConfig: config[...])))
        var bytes: [UInt8] = []
        #expect(writer.append([1, 2, 3, 4, 5], to: &bytes))
        #expect(bytes.count == 12 && bytes.suffix(5) == [1, 2, 3, 4, 5])
        var reader = BitReader(bytes[...])
        #expect(try reader.bits(16) == 0xFFF1)
        #expect(try reader.bits(2) == UInt32(profile))
        #expect(try reader.bits(4) == UInt32(rate))
        #expect(try reader.bits(1) == 0)
        #expect(try reader.bits(3) == UInt32(channels))
        #expect(try reader.bits(4) == 0)
        #expect(try reader.bits(13) == 12)
        #expect(try reader.bits(11) == 0x7FF)
        #expect(try reader.bits(2) == 0)
    }

    @Test("is none where the header has no words for it", arguments: ["1214", "1780", "17815888"])
    func unspeakable(record: String) throws {
        let config = try #require([UInt8](hex: record))
        guard let parameters = try? AudioParameters(audioSpecificConfig: config[...]) else { return }
        #expect(ADTSWriter(parameters) == nil)
    }

    @Test("takes no unit that is empty or longer than 13 bits say")
    func lengths() throws {
        let writer = try #require(ADTSWriter(try AudioParameters(audioSpecificConfig: [0x12, 0x10])))
        var bytes: [UInt8] = []
        #expect(!writer.append([], to: &bytes))
        #expect(!writer.append([UInt8](repeating: 0, count: 8185)[...], to: &bytes))
        #expect(bytes.isEmpty)
        #expect(writer.append([UInt8](repeating: 0, count: 8184)[...], to: &bytes))
        #expect(bytes.count == 8191)
    }
}
