// SPDX-License-Identifier: Apache-2.0

public import Media

extension AudioParameters {
    /// What our transcoder makes: stereo at 48 kHz without gain.
    public static let transcoded = AudioParameters(
        codec: .opus, record: [0, 2, 0, 120, 0, 0, 0xBB, 0x80, 0, 0, 0], sampleRate: 48_000, channels: 2,
        codecString: "opus", samplesPerUnit: nil)
}
