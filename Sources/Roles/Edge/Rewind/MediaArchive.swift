// SPDX-License-Identifier: Apache-2.0

public import HLS
public import Identity

/// Where an edge finds what is no longer in its memory: the object store. Any thread may call.
public protocol MediaArchive: Sendable {
    /// What the store lists of a rendition, the oldest recording first; empty where it has none.
    /// - Parameter reach: how much of it is of use.
    func playlists(
        of stream: StreamID, _ rendition: RenditionName, reach: Duration
    ) async throws(ArchiveFailure) -> [StoredPlaylist]

    /// What lies under a path, which has no slash in front; nil where nothing does.
    func media(_ path: String) async throws(ArchiveFailure) -> FoundMedia?
}

/// Old media, and where it was.
public struct FoundMedia: Sendable {
    /// The bytes.
    public let bytes: [UInt8]
    /// Whether this node's disk still had them; else the store gave them.
    public let isFromDisk: Bool

    /// Media of its parts.
    public init(_ bytes: [UInt8], isFromDisk: Bool) {
        self.bytes = bytes
        self.isFromDisk = isFromDisk
    }
}

/// The store does not say what it has.
public struct ArchiveFailure: Error, Hashable, Sendable {
    /// What it did instead, for a log.
    public let reason: String

    /// A failure of a reason.
    public init(_ reason: String) { self.reason = reason }
}
