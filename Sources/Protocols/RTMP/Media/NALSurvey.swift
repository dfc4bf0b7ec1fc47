// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// What one look through a picture's NAL units tells.
struct NALSurvey {
    private(set) var isMalformed = false
    /// Whether a unit does not belong in a sample.
    private(set) var mustStrip = false
    private(set) var hasSlices = false
    private(set) var isRandomAccess = false
    private(set) var hasRecoveryPoint = false
    /// Bytes of the units that belong in a sample, with 4-byte lengths.
    private(set) var length = 0
    /// The parameter sets among the units, up to what a track may have; those behind them are passed over.
    private(set) var sets: [ByteSlice] = []

    init(_ units: NALUnits, codec: Codec) {
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
    init(_ unit: ByteSlice, _ codec: Codec) {
        self = codec == .hevc ? NALUnitKind(hevc: unit) : NALUnitKind(h264: unit)
    }
}
