// SPDX-License-Identifier: Apache-2.0

/// One row of a `trun`, with what it inherits filled in.
public struct Sample: Hashable, Sendable {
    /// Ticks on the track's clock until the next sample is decoded.
    public var duration: UInt32
    /// Bytes.
    public var size: UInt32
    /// `sample_flags`, ISO/IEC 14496-12 §8.8.3.1.
    public var flags: UInt32
    /// Presentation time minus decode time.
    public var compositionOffset: Int32

    /// Whether a decoder can start here.
    public var isSync: Bool { flags & Self.nonSyncBit == 0 }

    /// A sample that depends on no other.
    static let syncFlags: UInt32 = 0x0200_0000
    /// A sample that depends on others and at which a decoder can not start.
    static let dependentFlags: UInt32 = 0x0101_0000
    private static let nonSyncBit: UInt32 = 0x0001_0000
}
