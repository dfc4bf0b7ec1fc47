// SPDX-License-Identifier: Apache-2.0

/// How much of a stream a playlist lists.
///
/// Every node of a cluster must use the same settings for a stream, because the text of a playlist depends on them.
public struct MediaWindowSettings: Hashable, Sendable {
    /// Whole segments in a live playlist, at least 3; more are listed only while they are shorter than three target
    /// durations together. Media is kept for twice this. Memory grows with it in proportion.
    public var segments: Int
    /// Whole segments before the first playlist is answered, at least 1. With fewer than 2, players start with a stall.
    public var segmentsBeforeFirstPlaylist: Int
    /// How long a request may wait while the stream has no target duration yet; three target durations from then on.
    public var waitBeforeFirstPlaylist: Duration

    /// Settings of their parts.
    public init(
        segments: Int = 10, segmentsBeforeFirstPlaylist: Int = 2, waitBeforeFirstPlaylist: Duration = .seconds(12)
    ) {
        precondition(segments >= 3, "a live playlist holds at least three segments, not \(segments)")
        precondition(segmentsBeforeFirstPlaylist >= 1, "a playlist without a segment")
        self.segments = segments
        self.segmentsBeforeFirstPlaylist = segmentsBeforeFirstPlaylist
        self.waitBeforeFirstPlaylist = waitBeforeFirstPlaylist
    }
}
