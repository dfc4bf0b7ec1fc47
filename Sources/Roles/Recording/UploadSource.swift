// SPDX-License-Identifier: Apache-2.0

public import Identity

/// Who knows what a stream's playlists in the store say.
public protocol UploadSource: Sendable {
    /// The media playlist of a rendition up to a segment, those of `gaps` marked as missing (EXT-X-GAP); with EXT-X-ENDLIST
    /// if it is the last.
    func mediaPlaylist(_ rendition: RenditionName, through msn: UInt64, gaps: Set<UInt64>, isLast: Bool) async
        -> [UInt8]

    /// The multivariant playlist.
    func multivariantPlaylist() async -> [UInt8]
}

/// What an upload tells those who stream.
public enum UploadNews: Hashable, Sendable {
    /// The store's playlists list all up to that segment.
    case stored(UInt64)
    /// A higher term writes: this one writes nothing more.
    case fenced(by: Term)
    /// All is written.
    case done
}
