// SPDX-License-Identifier: Apache-2.0

public import Identity
public import Media

/// A recording as the store has it.
public struct RecordingStatus: Hashable, Sendable {
    /// Its name.
    public let name: RecordingName
    /// Civil time at its first unit.
    public let startedAt: WallTime
    /// Civil time behind the last unit that is listed.
    public let endsAt: WallTime
    /// How long all that is listed is.
    public let duration: Duration
    /// How many segments are listed.
    public let segments: Int
    /// How many of them have no media.
    public let gaps: Int
    /// Whether nothing will follow (EXT-X-ENDLIST).
    public let isWhole: Bool
    /// Its renditions, in the order of its multivariant playlist.
    public let renditions: [RenditionName]
}

/// A page of recordings.
public struct RecordingPage: Sendable {
    /// The recordings, by stream and number as the store orders its keys.
    public let recordings: [RecordingStatus]
    /// Where the next page begins, in the store's own word; nil on the last.
    public let next: String?
}
