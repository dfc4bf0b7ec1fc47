// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import Testing

@Suite("A video configuration record")
struct VideoConfigurationTests {
    @Test("tells size, rate and codec string as ffprobe does", arguments: videoVectors)
    func fields(vector: ConfigurationVector) throws {
        let parameters = try vector.parse(vector.record)
        #expect(parameters.codec == vector.codec)
        #expect(parameters.codecString == vector.codecString)
        #expect(parameters.width == vector.width)
        #expect(parameters.height == vector.height)
        #expect(parameters.frameRate == vector.frameRate)
    }

    @Test("is written as the encoder's muxer wrote it, or as it reads again", arguments: videoVectors)
    func written(vector: ConfigurationVector) throws {
        let parameters = try vector.parse(vector.record)
        if vector.codec == .h264 { #expect(parameters.record.hex == vector.record.hex) }
        #expect(try vector.parse(parameters.record) == parameters)
    }

    @Test("is the same with bytes behind it", arguments: videoVectors)
    func trailing(vector: ConfigurationVector) throws {
        #expect(try vector.parse(vector.record + [0xDE, 0xAD]) == vector.parse(vector.record))
    }

    @Test("is refused or whole when cut at any byte", arguments: videoVectors)
    func truncation(vector: ConfigurationVector) {
        for length in 0..<vector.record.count {
            do throws(MediaFailure) {
                let parameters = try vector.parse(vector.record.prefix(length))
                #expect(parameters.width == vector.width && parameters.height == vector.height)
            } catch {}
        }
        #expect(throws: MediaFailure.truncated) { try vector.parse(vector.record.prefix(3)) }
    }

    @Test("is refused above 64 KiB, and with more sets than a track may have, in no time")
    func limits() throws {
        for vector in videoVectors {
            let long = vector.record + [UInt8](repeating: 0, count: VideoParameters.longestRecord)
            #expect(throws: MediaFailure.self) { try vector.parse(long) }
        }
        let crowd = (0..<200_000 as Range<UInt32>).map { number -> ByteSlice in
            var unit: [UInt8] = [0x40, 1]
            unit.append(bigEndian: number)
            return unit[...]
        }
        let begin = ContinuousClock.now
        #expect(throws: MediaFailure.malformed("VPS")) { try VideoParameters(vps: crowd, sps: crowd, pps: crowd) }
        #expect(ContinuousClock.now - begin < .seconds(60), "time in proportion to the sets")
    }

    @Test("survives flipped bits", arguments: videoVectors)
    func bitFlips(vector: ConfigurationVector) {
        var random = SeededRandom(seed: 1)
        for _ in 0..<2_000 {
            var bytes = Array(vector.record)
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            guard let parameters = try? vector.parse(bytes[...]) else { continue }
            #expect((1...65_535).contains(parameters.width) && (1...65_535).contains(parameters.height))
            #expect((try? vector.parse(parameters.record)) == parameters, "\(bytes.hex)")
        }
    }

    @Test("takes lengths of 1 and 2 bytes, names them and rewrites them", arguments: [(0, 1), (1, 2), (3, 4)])
    func lengthSizes(code: UInt8, size: Int) throws {
        for vector in videoVectors where vector.codec != .av1 {
            let offset = vector.codec == .hevc ? 21 : 4
            var record = Array(vector.record)
            record[offset] = record[offset] & 0xFC | code
            #expect(try VideoParameters.nalLengthSize(of: record[...], codec: vector.codec) == size)
            #expect(try vector.parse(record[...]) == vector.parse(vector.record))
            let written = try vector.parse(record[...]).record
            #expect(try VideoParameters.nalLengthSize(of: written, codec: vector.codec) == 4)
        }
    }

    @Test("is refused with lengths of 3 bytes")
    func threeByteLengths() {
        #expect(throws: MediaFailure.malformed("lengthSizeMinusOne")) {
            try VideoParameters.nalLengthSize(of: [1, 100, 0, 40, 0xFE, 0xE1], codec: .h264)
        }
        #expect(throws: MediaFailure.truncated) { try VideoParameters.nalLengthSize(of: [1], codec: .hevc) }
    }

    @Test("without parameter sets names what is missing")
    func empty() {
        #expect(throws: MediaFailure.unsupported("avcC without SPS")) {
            try VideoParameters(avcC: [1, 100, 0, 40, 255, 0xE0, 0])
        }
        #expect(throws: MediaFailure.unsupported("hvcC without SPS")) {
            try VideoParameters(hvcC: [1] + [UInt8](repeating: 0, count: 22))
        }
        #expect(throws: MediaFailure.unsupported("av1C without sequence header")) {
            try VideoParameters(av1C: [0x81, 0, 0x0C, 0])
        }
        #expect(throws: MediaFailure.malformed("SPS")) { try VideoParameters(sps: [], pps: []) }
        #expect(throws: MediaFailure.malformed("VPS")) { try VideoParameters(vps: [], sps: [], pps: []) }
    }

    @Test("of another version is refused", arguments: videoVectors)
    func version(vector: ConfigurationVector) {
        var record = Array(vector.record)
        record[0] = 7
        #expect(throws: MediaFailure.self) { try vector.parse(record[...]) }
    }

    @Test("from an SPS with a VUI that is cut short keeps the size and has no rate")
    func shortVUI() throws {
        let sps = try #require([UInt8](hex: "6764000dacd941419f9f01"))
        let parameters = try VideoParameters(sps: [sps[...]], pps: [[0x68, 0xEB]])
        #expect(parameters.width == 320 && parameters.height == 180 && parameters.frameRate == nil)
    }

    @Test("repeats each set once, and drops what is none")
    func distinct() throws {
        let sps = try #require([UInt8](hex: "6764000dacd941419f9f0110000003001000000303c0f1429960"))[...]
        let pps = try #require([UInt8](hex: "68ebecb22c"))[...]
        let parameters = try VideoParameters(sps: [sps, sps, pps, []], pps: [pps, sps, pps])
        #expect(parameters.record.hex == videoVectors[0].record.hex)
    }
}
