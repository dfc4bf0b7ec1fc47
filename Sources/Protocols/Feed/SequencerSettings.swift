// SPDX-License-Identifier: Apache-2.0

/// How a sequencer cuts a stream.
public struct SequencerSettings: Hashable, Sendable {
    /// The least a segment lasts before a random access point ends it.
    public var segmentTarget: Duration = .seconds(2)
    /// The most a part lasts, PART-TARGET; nil for streams without parts.
    public var partTarget: Duration? = .milliseconds(500)
    /// How long a stream waits after its first random access point for its other track, and for enough pictures to
    /// know their rate where the parameter sets do not say it.
    public var startWait: Duration = .milliseconds(500)
    /// How long a stream whose publisher is back waits for the tracks there were before: each that is missing costs a
    /// discontinuity, and another when it comes.
    public var returnWait: Duration = .milliseconds(2500)
    /// A step of the publisher's clock beyond this is taken for another clock, and the timeline goes on without it.
    public var jumpThreshold: Duration = .seconds(3)
    /// The most a segment lasts while EXT-X-TARGETDURATION is not yet known.
    public var longestSegment: Duration = .seconds(30)
    /// The version of the byte writer, stated in every segment start.
    public var packaging: UInt8 = 1

    /// The defaults: segments of 2 s, parts of 0.5 s.
    public init() {}

    /// Other targets, all else as by default.
    public init(segmentTarget: Duration, partTarget: Duration?) {
        self.segmentTarget = segmentTarget
        self.partTarget = partTarget
    }
}
