// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media
import Testing

/// A configuration record that a real encoder wrote, and what ffprobe says of the stream.
struct ConfigurationVector: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let codec: Codec
    let record: ByteSlice
    let codecString: String
    let width: UInt32
    let height: UInt32
    let frameRate: Double?

    init(
        _ name: String, _ codec: Codec, _ hex: String, _ codecString: String, _ size: (UInt32, UInt32), _ rate: Double?
    ) {
        testDescription = name
        self.codec = codec
        record = [UInt8](hex: hex)?[...] ?? []
        self.codecString = codecString
        (width, height) = size
        frameRate = rate
    }

    func parse(_ bytes: ByteSlice) throws(MediaFailure) -> VideoParameters {
        switch codec {
        case .h264: try VideoParameters(avcC: bytes)
        case .hevc: try VideoParameters(hvcC: bytes)
        default: try VideoParameters(av1C: bytes)
        }
    }
}

/// Written by x264 164, x265 3.5, SVT-AV1 1.4 and libaom 3.6 through ffmpeg 5.1; SEI arrays of x265 taken out.
let videoVectors: [ConfigurationVector] = [
    ConfigurationVector(
        "x264 High with B-frames", .h264,
        "0164000dffe1001a6764000dacd941419f9f0110000003001000000303c0f142996001000568ebecb22cfdf8f800",
        "avc1.64000d", (320, 180), 30),
    ConfigurationVector(
        "x264 1080p29.97", .h264,
        "01640028ffe1001967640028acd940780227e5c04400000fa40003a9803c60c65801000668ebe3cb22c0fdf8f800",
        "avc1.640028", (1920, 1080), 30000.0 / 1001),
    ConfigurationVector(
        "x264 Constrained Baseline", .h264,
        "0142c01effe100196742c01ed900a02ff97011000003000100000300320f162e4801000568cb83cb20",
        "avc1.42c01e", (640, 360), 25),
    ConfigurationVector(
        "x264 High 10", .h264,
        "016e001effe1001b676e001ea6cd940a02ff97011000000300100000030320f162d96001000668ebe3cb22c0fdfafa00",
        "avc1.6e001e", (640, 360), 25),
    ConfigurationVector(
        "x264 High 4:4:4 with colours", .h264,
        "01f4001fffe1001d67f4001f9196805005beef016a020202800000030080000019078c195001000568ce0f1920fff8f800",
        "avc1.f4001f", (1278, 718), 25),
    ConfigurationVector(
        "x264 interlaced, 16:11 samples", .h264,
        "01640016ffe1001967640016acd940b424d820800000030100000300190f8a14cb01000668fba3cb22c0fdf8f800",
        "avc1.640016", (720, 576), 12.5),
    ConfigurationVector(
        "x265 Main", .hevc,
        "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959009a1000100"
            + "2b42010101600000030090000003000003003ca00a080b9f796564924caf016808000003000800000300f040a2000100074401c172"
            + "b46240",
        "hvc1.1.6.L60.90", (320, 180), 30),
    ConfigurationVector(
        "x265 Main 10, odd size", .hevc,
        "0102200000009000000000007bf000fcfdfafa00000f03a00001001840010c01ffff02200000030090000003000003007b959809a1000100"
            + "2d42010102200000030090000003000003007ba003c08010e754d96566924caf0168080000030008000003019040a2000100074401"
            + "c172b46240",
        "hvc1.2.4.L123.90", (1918, 1078), 50),
    ConfigurationVector(
        "x265 with scaling lists, 16:11 samples and colours", .hevc,
        "0101600000009000000000005af000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003005a959809a1000100"
            + "2e42010101600000030090000003000003005aa005a20090596566924e578235010101040000030004000003006020a20001000744"
            + "01c172b46240",
        "hvc1.1.6.L90.90", (720, 576), 24),
    ConfigurationVector(
        "SVT-AV1 Main", .av1, "81000c000a0b000000043cfecc02f80040", "av01.0.00M.08", (320, 180), nil),
    ConfigurationVector(
        "libaom Main 10 bit", .av1, "81014c000a0b0000000cc4ff6736be5010", "av01.0.01M.10", (640, 360), nil),
    ConfigurationVector(
        "libaom High 4:4:4", .av1, "812100000a0e2000000cc4ff6736be4808080880", "av01.1.01M.08", (640, 360), nil),
]
