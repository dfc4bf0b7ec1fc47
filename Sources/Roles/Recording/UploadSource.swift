// SPDX-License-Identifier: Apache-2.0

public import Identity
public import Objects

/// Who knows what a stream's playlists in the store say, and where they are. What it has to read in the store for that may
/// fail, and is asked again later.
public protocol UploadSource: Sendable {
    /// The media playlist of a rendition up to a segment, those of `gaps` marked as missing (EXT-X-GAP); with EXT-X-ENDLIST
    /// if it is the last. Nil where nothing is left that it could list.
    func mediaPlaylist(_ rendition: RenditionName, through msn: UInt64, gaps: Set<UInt64>, isLast: Bool)
        async throws(StoreFailure) -> UploadDocument?

    /// A rendition's media playlist is in the store as `document` says, and lists all up to a segment.
    func listed(_ rendition: RenditionName, in document: UploadDocument, through msn: UInt64) async

    /// What was read in the store has changed meanwhile: it is read anew for the next playlist.
    func refresh() async

    /// The playlists above the media playlists, in the order in which they are written: they name what is in the store.
    func multivariantPlaylists() async throws(StoreFailure) -> [UploadDocument]
}

/// A playlist to be written.
public struct UploadDocument: Hashable, Sendable {
    /// Where it belongs.
    public let key: ObjectKey
    /// Its text, in UTF-8.
    public let text: [UInt8]
    /// What of other terms it may replace.
    public let basis: Basis

    /// What a text goes on from.
    public enum Basis: Hashable, Sendable {
        /// It says all by itself, and replaces whatever a lower term wrote.
        case anything
        /// There was no such playlist.
        case nothing
        /// It goes on from what another term has written.
        case content(ObjectVersion)
    }

    /// A playlist of its parts.
    public init(key: ObjectKey, text: [UInt8], basis: Basis = .anything) {
        self.key = key
        self.text = text
        self.basis = basis
    }
}

/// What an upload tells those who stream.
public enum UploadNews: Hashable, Sendable {
    /// The store's playlists list all up to that segment.
    case stored(UInt64)
    /// A higher term writes: this one writes no playlist, until it is raised above that or stopped.
    case fenced(by: Term)
    /// All is written.
    case done
}
