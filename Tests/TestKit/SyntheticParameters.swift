// SPDX-License-Identifier: Apache-2.0

import Bytes
public import Media

/// Parameter sets as encoders made them, so that players accept an init section built from them.
public enum SyntheticParameters {
    /// H.264 Main, 320x180, 30 frames a second, up to two B-frames: x264 by ffmpeg 5.1.
    public static func h264(frameRate: Double? = 30) -> ParameterSets {
        .video(
            VideoParameters(
                codec: .h264, record: bytes(avc), width: 320, height: 180, frameRate: frameRate,
                codecString: "avc1.4d400d"))
    }

    /// AAC-LC, two channels, at 48 or 44.1 kHz: ffmpeg 5.1.
    public static func aac(sampleRate: UInt32 = 48_000) -> ParameterSets {
        .audio(
            AudioParameters(
                codec: .aac, record: bytes(sampleRate == 48_000 ? "119056e500" : "121056e500"),
                sampleRate: sampleRate, channels: 2, codecString: "mp4a.40.2", samplesPerUnit: 1024))
    }

    /// Opus, two channels, pre-skip 312: the body of `dOps`.
    public static func opus() -> ParameterSets {
        .audio(
            AudioParameters(
                codec: .opus, record: bytes("000201380000bb80000000"), sampleRate: 48_000, channels: 2,
                codecString: "opus", samplesPerUnit: nil))
    }

    private static func bytes(_ hex: String) -> ByteSlice { ([UInt8](hex: hex) ?? [])[...] }

    private static let avc =
        "014d400dffe10019674d400deca0a0cfcf8088000003000800000301e078a14cb001000568ebe3cb20"
}
