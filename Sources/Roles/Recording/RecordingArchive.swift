// SPDX-License-Identifier: Apache-2.0

public import HLS
public import Identity
public import Objects
public import Storage

/// What the store has of a stream that lives, for whoever serves viewers who go back.
///
/// A stream that outlives the longest recording has several, one behind the other. Those before the newest do not change any
/// more, so each is read once; but they may be deleted, so each time it is seen which there are.
public actor RecordingArchive {
    private let store: any ObjectStore
    /// Those before the newest of their streams.
    private var known: [Place: StoredPlaylist] = [:]

    private struct Place: Hashable {
        let name: RecordingName
        let rendition: RenditionName
    }

    /// The archive of a store.
    public init(_ store: any ObjectStore) { self.store = store }

    /// The playlists of a stream's recordings, the oldest first, up to the newest one; as many as cover `reach`. Empty where
    /// nothing was recorded.
    public func playlists(
        of stream: StreamID, _ rendition: RenditionName, reach: Duration
    ) async throws(StoreFailure) -> [StoredPlaylist] {
        guard let index = try await read(RecordingName.indexKey(of: stream)) else { return [] }
        let lines = String(decoding: index, as: UTF8.self).split(whereSeparator: \.isNewline)
        guard var name = lines.lazy.compactMap({ RecordingName.parsing(uri: $0, of: stream) }).first?.0,
            let newest = try await playlist(name, rendition), !newest.segments.isEmpty
        else { return [] }
        var playlists = [newest]
        var length = newest.duration
        let numbers = length < reach ? try await numbers(of: stream) : []
        while length < reach, let number = numbers.filter({ $0 < name.number }).max(),
            let before = try await former(number, of: name, rendition)
        {
            playlists.insert(before.playlist, at: 0)
            length += before.playlist.duration
            name = before.name
        }
        return playlists
    }

    /// An object's bytes; nil where there is none.
    public func media(_ key: ObjectKey) async throws(StoreFailure) -> [UInt8]? { try await read(key) }

    /// The recording of a number before one, where its numbers reach up to it.
    private func former(
        _ number: UInt64, of name: RecordingName, _ rendition: RenditionName
    ) async throws(StoreFailure) -> (name: RecordingName, playlist: StoredPlaylist)? {
        let before = RecordingName(stream: name.stream, number: number)
        let place = Place(name: before, rendition: rendition)
        if known[place] == nil {
            if known.count >= Self.capacity { known.removeAll() }
            known[place] = try await playlist(before, rendition)
        }
        // A recording's number is that of its first segment, as is what follows the last of the one before.
        guard let playlist = known[place], playlist.last.map({ $0 &+ 1 }) == name.number else { return nil }
        return (before, playlist)
    }

    /// The numbers of the recordings that there are.
    private func numbers(of stream: StreamID) async throws(StoreFailure) -> Set<UInt64> {
        var numbers: Set<UInt64> = []
        var mark: PageMark?
        repeat {
            let page = try await store.list(prefix: "\(RecordingName.folder)\(stream)/", after: mark)
            for object in page.objects {
                guard let name = RecordingName(object.key), name.stream == stream else { continue }
                numbers.insert(name.number)
            }
            mark = page.next
        } while mark != nil
        return numbers
    }

    private func playlist(
        _ name: RecordingName, _ rendition: RenditionName
    ) async throws(StoreFailure) -> StoredPlaylist? {
        guard let text = try await read(name.mediaKey(rendition)) else { return nil }
        do {
            return try StoredPlaylist(parsing: text)
        } catch {
            throw .malformed("\(name.mediaKey(rendition)): \(error)")
        }
    }

    private func read(_ key: ObjectKey) async throws(StoreFailure) -> [UInt8]? {
        do throws(StoreFailure) {
            return try await store.get(key).bytes
        } catch .notFound {
            return nil
        }
    }

    private static let capacity = 256
}
