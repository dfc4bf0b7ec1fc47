// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// What a NAL unit is to somebody who packages it.
public enum NALUnitKind: Hashable, Sendable {
    /// Tells where an access unit begins; never part of a CMAF sample.
    case accessUnitDelimiter
    /// Stuffing; never part of a CMAF sample.
    case filler
    /// Anything that is carried without a look.
    case other
    /// PPS.
    case pictureParameterSet
    /// A slice of a picture at which decoding can start: IDR in H.264, any IRAP picture in HEVC.
    case randomAccessSlice
    /// SPS.
    case sequenceParameterSet
    /// A slice of any other picture.
    case slice
    /// SEI.
    case supplement
    /// VPS, HEVC only.
    case videoParameterSet

    /// The kind of an H.264 NAL unit, ITU-T H.264 table 7-1; `.other` for an empty one.
    public init(h264 unit: ByteSlice) {
        switch (unit.first ?? 0) & 31 {
        case 1...4: self = .slice
        case 5: self = .randomAccessSlice
        case 6: self = .supplement
        case 7: self = .sequenceParameterSet
        case 8: self = .pictureParameterSet
        case 9: self = .accessUnitDelimiter
        case 12: self = .filler
        default: self = .other
        }
    }

    /// The kind of an HEVC NAL unit, ITU-T H.265 table 7-1; `.other` for one without its two header bytes.
    public init(hevc unit: ByteSlice) {
        guard let first = unit.first, unit.count >= 2 else {
            self = .other
            return
        }
        switch first >> 1 & 63 {
        case 0...9: self = .slice
        case 16...23: self = .randomAccessSlice
        case 32: self = .videoParameterSet
        case 33: self = .sequenceParameterSet
        case 34: self = .pictureParameterSet
        case 35: self = .accessUnitDelimiter
        case 38: self = .filler
        case 39, 40: self = .supplement
        default: self = .other
        }
    }

    /// Whether the unit is a VPS, SPS or PPS.
    public var isParameterSet: Bool {
        self == .videoParameterSet || self == .sequenceParameterSet || self == .pictureParameterSet
    }

    /// Whether the unit stays in a sample of `avc1` or `hvc1`, whose parameter sets are in the init section.
    public var belongsInSample: Bool { !isParameterSet && self != .accessUnitDelimiter && self != .filler }
}
