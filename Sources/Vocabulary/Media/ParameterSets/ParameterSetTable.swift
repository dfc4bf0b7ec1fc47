// SPDX-License-Identifier: Apache-2.0

import Bytes

/// The parameter sets of a video track, each with the kind and number by which a later one replaces it.
struct ParameterSetTable {
    private var sets: [(slot: ParameterSetSlot, unit: ByteSlice)] = []

    /// The sets in the order of their first coming.
    var units: [ByteSlice] { sets.map(\.unit) }

    /// No sets yet.
    init() {}

    /// The sets of a record, all SPS of HEVC among them.
    init(_ units: [ByteSlice], _ codec: Codec) {
        for unit in units {
            let slot = ParameterSetSlot(unit, codec)
            if codec == .hevc || !sets.contains(where: { $0.slot == slot }) { sets.append((slot, unit)) }
        }
    }

    /// Takes copies of sets, those that are known left out. Returns whether one was new.
    mutating func take(_ found: [ByteSlice], _ codec: Codec) -> Bool {
        var hasNew = false
        for unit in found where take(unit, codec) { hasNew = true }
        return hasNew
    }

    /// Whether a track may have all of them.
    func fits(_ limits: ParameterSetLimits) -> Bool {
        sets.count <= limits.count && sets.reduce(0) { $0 + $1.unit.count + 2 } <= limits.bytes
    }

    private mutating func take(_ unit: ByteSlice, _ codec: Codec) -> Bool {
        let slot = ParameterSetSlot(unit, codec)
        guard !sets.contains(where: { $0.slot == slot && $0.unit == unit }) else { return false }
        let entry = (slot, Array(unit)[...])
        if let index = sets.firstIndex(where: { $0.slot == slot }) { sets[index] = entry } else { sets.append(entry) }
        return true
    }
}

/// Which earlier parameter set a new one replaces: the one of its kind and number. An HEVC SPS, whose number stands
/// behind its levels, replaces all.
struct ParameterSetSlot: Equatable {
    let kind: NALUnitKind
    let number: UInt32

    init(_ set: ByteSlice, _ codec: Codec) {
        kind = NALUnitKind(set, codec)
        switch (kind, codec) {
        case (.videoParameterSet, _): number = UInt32(set.dropFirst(2).first ?? 0) >> 4
        case (.sequenceParameterSet, .hevc): number = 0
        case (.sequenceParameterSet, _): number = Self.expGolomb(set.dropFirst(4))
        default: number = Self.expGolomb(set.dropFirst(codec == .hevc ? 2 : 1))
        }
    }

    private static func expGolomb(_ bytes: ByteSlice) -> UInt32 {
        var reader = BitReader(bytes)
        return (try? reader.unsignedExpGolomb()) ?? .max
    }
}
