// SPDX-License-Identifier: Apache-2.0

public import Bytes

/// How far viewers can go back, and what an edge keeps for them.
public struct RewindSettings: Hashable, Sendable {
    /// How far a playlist reaches back that was asked for with `dvr=1`.
    public var window: Duration = .seconds(7200)
    /// Whether playlists reach back where a request does not say.
    public var isDefault = false
    /// Scheme, host and path before the keys of old segments; nil where edges serve them.
    public var base: String?
    /// What old segments in memory may take. One is always kept.
    public var memory = ByteCount.mebibytes(64)
    /// Whether answers bear the key by which a CDN forgets them.
    public var tagsAnswers = false

    /// The defaults.
    public init() {}
}
