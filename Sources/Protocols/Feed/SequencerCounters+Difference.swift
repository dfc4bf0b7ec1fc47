// SPDX-License-Identifier: Apache-2.0

extension SequencerCounters {
    /// What was counted since `earlier`, which is an older value of the same counters.
    public func since(_ earlier: SequencerCounters) -> SequencerCounters {
        var difference = SequencerCounters()
        for field in Self.fields { difference[keyPath: field] = self[keyPath: field] &- earlier[keyPath: field] }
        return difference
    }

    private static let fields: [any WritableKeyPath<SequencerCounters, UInt64> & Sendable] = [
        \.unitsBeforeRandomAccess, \.unitsWithoutParameters, \.timestampsClamped, \.clockJumps, \.audioHoles,
        \.audioOverlaps, \.picturesMovedUp, \.forcedCuts, \.partsClosedByTimer, \.discontinuities, \.layerChanges,
        \.layersLost, \.unitsOfAbsentLayers, \.unitsOfRefusedLayers,
    ]
}
