// SPDX-License-Identifier: Apache-2.0

public import Feed

/// Which of a playlist's texts: as it was directly after a part, or after the end.
///
/// Together with the rendition and whether the text is a delta update, it names a text that never changes and is the
/// same on every node: render once, share among all who wait.
public struct PlaylistKey: Hashable, Sendable {
    /// The last part listed; of a gap, its part 0.
    public let position: PartPosition
    /// Whether EXT-X-ENDLIST stands behind it.
    public let isEnd: Bool

    /// The text directly after `position`, or the last one of all.
    public init(position: PartPosition, isEnd: Bool = false) {
        self.position = position
        self.isEnd = isEnd
    }
}
