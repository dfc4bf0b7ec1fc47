// SPDX-License-Identifier: Apache-2.0

package import Bytes

/// What one look through a picture's NAL units tells.
package struct NALSurvey: Sendable {
    /// Whether the walk ended at a length that can not be true.
    package private(set) var isMalformed = false
    /// Whether a unit does not belong in a sample.
    package private(set) var mustStrip = false
    /// Whether there is a picture at all.
    package private(set) var hasSlices = false
    /// Whether there is a slice of IDR, or of any IRAP picture.
    package private(set) var isRandomAccess = false
    /// Whether an SEI unit tells that a decoder may begin here, H.264 only.
    package private(set) var hasRecoveryPoint = false
    /// Bytes of the units that belong in a sample, with 4-byte lengths.
    package private(set) var length = 0
    /// The parameter sets among the units, up to what a track may have; those behind them are passed over.
    package private(set) var sets: [ByteSlice] = []

    /// Looks through `units` of H.264 or HEVC.
    package init(_ units: NALUnits, codec: Codec) {
        var units = units
        let limits = codec == .hevc ? ParameterSetLimits.hevc : .h264
        var room = limits.bytes
        while let unit = units.next() {
            let kind = NALUnitKind(unit, codec)
            switch kind {
            case .randomAccessSlice:
                hasSlices = true
                isRandomAccess = true
            case .slice: hasSlices = true
            case .supplement:
                if codec == .h264, !hasRecoveryPoint {
                    hasRecoveryPoint = SupplementWalk(unit).contains(Self.recoveryPoint)
                }
            default: break
            }
            if kind.belongsInSample { length += 4 + unit.count } else { mustStrip = true }
            if kind.isParameterSet, sets.count < limits.count, unit.count + 2 <= room {
                room -= unit.count + 2
                sets.append(unit)
            }
        }
        isMalformed = units.isMalformed
    }

    /// SEI payload type of a recovery point, ITU-T H.264 §D.1.8: where encoders with open groups of pictures let
    /// decoders begin.
    private static let recoveryPoint = 6
}

extension NALUnitKind {
    /// The kind of a unit of H.264, or of HEVC.
    package init(_ unit: ByteSlice, _ codec: Codec) {
        self = codec == .hevc ? NALUnitKind(hevc: unit) : NALUnitKind(h264: unit)
    }
}
