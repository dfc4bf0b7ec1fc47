// SPDX-License-Identifier: Apache-2.0

/// How many parameter sets a track may have at once, and how much room they may take.
///
/// Without limits a publisher could make each of its messages cost more than the one before.
public struct ParameterSetLimits: Hashable, Sendable {
    /// Video parameter sets, HEVC only.
    public let vps: Int
    /// Sequence parameter sets.
    public let sps: Int
    /// Picture parameter sets.
    public let pps: Int
    /// Bytes of all of them, with two bytes of length for each. Real ones take some hundred bytes.
    public var bytes: Int { VideoParameters.longestRecord - Self.recordHead }

    /// All of them.
    public var count: Int { vps + sps + pps }

    /// What `avcC` can list, ISO/IEC 14496-15 §5.3.3: the counts have 5 and 8 bits.
    public static let h264 = ParameterSetLimits(vps: 0, sps: 31, pps: 255)
    /// What can be told apart by number, ITU-T H.265 §7.4.3.
    public static let hevc = ParameterSetLimits(vps: 16, sps: 16, pps: 64)

    /// More than `avcC` or `hvcC` have beside their sets.
    private static let recordHead = 64
}

extension VideoParameters {
    /// The longest `avcC`, `hvcC` or `av1C` that is taken or written, in bytes.
    public static let longestRecord = 64 << 10
}
