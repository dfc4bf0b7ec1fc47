// SPDX-License-Identifier: Apache-2.0

import HLS
import Identity
public import Objects
import Storage

/// What becomes of recordings in the end.
extension RecordingCatalogue {
    /// Deletes a recording: what it says there is, its playlists, its media. What is gone already is no failure, so a
    /// deletion that was cut off is made whole by another.
    /// - Returns: whether there was one.
    @discardableResult
    public func delete(_ name: RecordingName) async throws(StoreFailure) -> Bool {
        guard let entry = try await entry(of: name) else { return false }
        let folders = try await folders(of: name, entry)
        forget(name)
        if case .recording(let renditions) = entry {
            let removal = ObjectContent(
                RecordingEntry.text(removing: folders), mediaType: "application/vnd.apple.mpegurl",
                cacheControl: "no-store")
            try await store.put(name.key, removal)
            try await removeIndex(of: name)
            for rendition in renditions { try await store.delete(name.mediaKey(rendition)) }
        }
        for rendition in Set(folders.map(\.rendition)) { try await store.delete(name.mediaKey(rendition)) }
        let end = try await nextNumber(after: name)
        for folder in folders { try await removeMedia(of: name, before: end, in: folder) }
        try await store.delete(name.key)
        return true
    }

    /// Ends a recording that nobody goes on with.
    public func finish(_ name: RecordingName) async throws(StoreFailure) {
        guard case .recording(let renditions)? = try await entry(of: name) else { return }
        for rendition in renditions {
            guard let text = try await read(name.mediaKey(rendition)),
                var playlist = try await playlist(name, rendition),
                !playlist.isEnded
            else { continue }
            playlist.isEnded = true
            let writer = FencedPlaylist.writer(of: text) ?? Term(number: 0, salt: 0)
            var document = FencedPlaylist(name.mediaKey(rendition))
            _ = try await document.write(
                playlist.text, in: writer, goingOnFrom: .anything, cacheControl: Uploader.lasting, to: store)
        }
    }

    private func folders(
        of name: RecordingName, _ entry: RecordingEntry
    ) async throws(StoreFailure) -> Set<RecordingEntry.MediaFolder> {
        switch entry {
        case .removal(let folders): return Set(folders)
        case .recording(let renditions):
            var folders: Set<RecordingEntry.MediaFolder> = []
            for rendition in renditions {
                for term in try await playlist(name, rendition)?.terms ?? [] {
                    folders.insert(RecordingEntry.MediaFolder(rendition: rendition, term: term))
                }
            }
            return folders
        }
    }

    /// The stream's own multivariant playlist, where it is this recording's.
    private func removeIndex(of name: RecordingName) async throws(StoreFailure) {
        let key = RecordingName.indexKey(of: name.stream)
        guard let text = try await read(key) else { return }
        let lines = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
        let newest = lines.lazy.compactMap { RecordingName.parsing(uri: $0, of: name.stream) }.first?.0
        if newest == name { try await store.delete(key) }
    }

    /// The number at which the stream's next recording begins; a term's folder may hold media of both.
    private func nextNumber(after name: RecordingName) async throws(StoreFailure) -> UInt64 {
        var (next, mark): (UInt64, PageMark?) = (.max, nil)
        repeat {
            let page = try await store.list(prefix: "\(RecordingName.folder)\(name.stream)/", after: mark)
            let others = page.objects.compactMap { RecordingName($0.key) }.filter { $0.stream == name.stream }
            next = others.map(\.number).filter { $0 > name.number }.reduce(next, min)
            mark = page.next
        } while mark != nil
        return next
    }

    /// Removes the segments of a recording, and the init sections of a folder that holds no others.
    private func removeMedia(
        of name: RecordingName, before end: UInt64, in folder: RecordingEntry.MediaFolder
    ) async throws(StoreFailure) {
        let prefix = "\(name.stream)/\(folder.rendition)/\(folder.term)/"
        var (mark, others): (PageMark?, [ObjectKey]) = (nil, [])
        var isShared = false
        repeat {
            let page = try await store.list(prefix: prefix, after: mark)
            for object in page.objects {
                let file = object.key.description.dropFirst(prefix.count)
                guard file.hasSuffix(".m4s"), let number = UInt64(file.prefix { $0 != "." }) else {
                    others.append(object.key)
                    continue
                }
                guard (name.number..<end).contains(number) else {
                    isShared = true
                    continue
                }
                try await store.delete(object.key)
            }
            mark = page.next
        } while mark != nil
        guard !isShared else { return }
        for key in others { try await store.delete(key) }
    }
}
