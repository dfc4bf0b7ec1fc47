// SPDX-License-Identifier: Apache-2.0

/// What a sequencer had to put right, counted from its beginning.
public struct SequencerCounters: Hashable, Sendable {
    /// Layers that a publisher began to send, or stopped sending.
    public var layerChanges: UInt64 = 0
    /// Times that a layer had no unit in a part, and is out up to its next random access point.
    public var layersLost: UInt64 = 0
    /// Units of layers that the feed has no place for: some node of the cluster writes none yet.
    public var unitsOfRefusedLayers: UInt64 = 0
    /// Units of a layer that was given up and has not come back with a random access point yet.
    public var unitsOfAbsentLayers: UInt64 = 0
    /// Units that came before the first random access point, or lie before it.
    public var unitsBeforeRandomAccess: UInt64 = 0
    /// Units of a track without parameters, or whose new parameters wait for a random access point.
    public var unitsWithoutParameters: UInt64 = 0
    /// Pictures whose decode time did not increase and was raised by the least step.
    public var timestampsClamped: UInt64 = 0
    /// Steps of the publisher's clock that were left out of the timeline.
    public var clockJumps: UInt64 = 0
    /// Holes left in audio, because the publisher's times skipped more than three units.
    public var audioHoles: UInt64 = 0
    /// Units of audio dropped because the track had already passed their time by more than three units.
    public var audioOverlaps: UInt64 = 0
    /// Pictures decoded ahead of their time, so that the part before them keeps to the part target.
    public var picturesMovedUp: UInt64 = 0
    /// Segments begun without a random access point, because the target duration left no room.
    public var forcedCuts: UInt64 = 0
    /// Parts closed before the next unit was there.
    public var partsClosedByTimer: UInt64 = 0
    /// Segments begun with EXT-X-DISCONTINUITY.
    public var discontinuities: UInt64 = 0

    /// All zero.
    public init() {}
}
