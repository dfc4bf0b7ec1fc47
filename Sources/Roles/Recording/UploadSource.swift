// SPDX-License-Identifier: Apache-2.0

public import Identity
public import Objects

/// Who knows what a stream's playlists in the store say, and where they are. What it has to read in the store for that may
/// fail, and is asked again later.
public protocol UploadSource: Sendable {
    /// The media playlist of a rendition up to a segment, those of `gaps` marked as missing (EXT-X-GAP); with EXT-X-ENDLIST
    /// if it is the last.
    func mediaPlaylist(_ rendition: RenditionName, through msn: UInt64, gaps: Set<UInt64>, isLast: Bool)
        async throws(StoreFailure) -> UploadDocument

    /// What was read in the store has changed meanwhile: it is read anew for the next playlist.
    func refresh() async

    /// The playlists above the media playlists, in the order in which they are written.
    func multivariantPlaylists() async throws(StoreFailure) -> [UploadDocument]
}

/// A playlist to be written.
public struct UploadDocument: Hashable, Sendable {
    /// Where it belongs.
    public let key: ObjectKey
    /// Its text, in UTF-8.
    public let text: [UInt8]
    /// The content under that key that the text goes on from, where another term has written it.
    public let basis: ObjectVersion?

    /// A playlist of its parts.
    public init(key: ObjectKey, text: [UInt8], basis: ObjectVersion? = nil) {
        self.key = key
        self.text = text
        self.basis = basis
    }
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
