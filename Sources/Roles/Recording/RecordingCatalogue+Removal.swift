// SPDX-License-Identifier: Apache-2.0

import HLS
import Identity
public import Objects
import Storage

/// What becomes of recordings in the end.
extension RecordingCatalogue {
    /// Deletes a recording, or goes on with a deletion that was cut off. What is gone already is no failure.
    ///
    /// Objects are told apart by their names: those are the recording's whose term and number its playlists name. What was
    /// stored behind its last segment and never listed, and the init sections of a term, may be those of a recording that
    /// begins now: while the stream is live they stay until that is listed, or until the stream is over, and whoever sweeps
    /// removes them then. The init sections that the next recording names stay, and go with it.
    /// So it is, whatever this node knows of the stream, for as long as anybody may have more to store in the recording's terms:
    /// unless its recorder has said itself that there is nothing more (``Conclusion``). A next recording that names another term
    /// does not say so: its gateway may not know of the one before.
    /// - Parameters:
    ///   - isLive: whether the stream is live anywhere, as far as this node knows.
    ///   - isAbandoned: whether nobody can have more of it that is still to be stored.
    /// - Returns: whether there was such a recording.
    /// - Throws: ``StoreFailure/malformed(_:)`` where nothing says which media are the recording's and not those of the one
    ///   that is being written.
    @discardableResult
    public func delete(
        _ name: RecordingName, isLive: Bool, isAbandoned: Bool = false
    ) async throws(StoreFailure) -> Bool {
        let entry = try await read(name.key)
        guard let removal = try await removal(of: name, entry, isLive: isLive) else { return false }
        let mayGrow = removal.isOpen && !isAbandoned
        forget(name)
        try await store.delete(name.key)
        let hasIndex = try await removeIndex(of: name, isLive: isLive || mayGrow)
        try await removeAll(removal.renditions.map { name.mediaKey($0) })
        let isWhole = try await removeMedia(of: name, removal, isLive: isLive, mayGrow: mayGrow)
        if isWhole, !hasIndex { try await store.delete(name.removalKey) }
        return entry != nil
    }

    /// Ends a recording that nobody goes on with.
    /// - Throws: ``StoreFailure/conditionFailed`` where somebody does after all: what was read is not there any more.
    public func finish(_ name: RecordingName) async throws(StoreFailure) {
        for rendition in try await renditions(of: name) ?? [] {
            let key = name.mediaKey(rendition)
            let found: StoredContent
            do throws(StoreFailure) {
                found = try await store.get(key)
            } catch .notFound {
                continue
            }
            guard var playlist = try? StoredPlaylist(parsing: found.bytes) else { throw .malformed("\(key)") }
            guard !playlist.isEnded else { continue }
            playlist.isEnded = true
            let writer = FencedPlaylist.writer(of: found.bytes) ?? Term(number: 0, salt: 0)
            let ended = FencedPlaylist.content(playlist.text, in: writer, cacheControl: Uploader.lasting)
            try await store.put(key, ended, if: found.version.map { .matches($0) } ?? .none)
        }
    }

    /// What is to be removed of a recording, written down; nil where there is none.
    private func removal(
        of name: RecordingName, _ entry: [UInt8]?, isLive: Bool
    ) async throws(StoreFailure) -> RecordingRemoval? {
        if let begun = try await read(name.removalKey) { return RecordingRemoval(parsing: begun) }
        guard let entry else { return nil }
        let names = Self.renditions(of: entry)
        var removal = RecordingRemoval(
            renditions: Set(names.isEmpty ? try await renditionsFound(of: name) : names))
        var closed = 0
        for rendition in removal.renditions {
            guard let text = try await read(name.mediaKey(rendition)) else { continue }
            removal.add(playlist: text)
            if (try? StoredPlaylist(parsing: text)) != nil, Conclusion.isMarked(text) { closed += 1 }
        }
        removal.isOpen = removal.renditions.isEmpty || closed < removal.renditions.count
        if removal.spans.isEmpty { try await addFound(of: name, to: &removal, isLive: isLive) }
        do throws(StoreFailure) {
            try await store.put(name.removalKey, ObjectContent(removal.text, mediaType: "text/plain"), if: .absent)
        } catch .conditionFailed {
            // Another node has begun, when more of it could be read.
            return try await read(name.removalKey).map { RecordingRemoval(parsing: $0) } ?? removal
        }
        return removal
    }

    /// The renditions whose playlists lie where the recording's would.
    private func renditionsFound(of name: RecordingName) async throws(StoreFailure) -> [RenditionName] {
        let prefix = "\(name.stream)/"
        var found: [RenditionName] = []
        try await forEach(prefix: prefix) { key throws(StoreFailure) in
            let parts = key.description.dropFirst(prefix.count).split(separator: "/")
            if parts.count == 2, parts[1] == "\(name.number).m3u8", let rendition = RenditionName(parsing: parts[0]) {
                found.append(rendition)
            }
        }
        return found
    }

    /// Where no playlist can be read: all from the recording's number up to the next recording's.
    private func addFound(
        of name: RecordingName, to removal: inout RecordingRemoval, isLive: Bool
    ) async throws(StoreFailure) {
        let next = try await nextNumber(after: name)
        guard !isLive || next != nil else {
            throw .malformed("\(name): its media can not be told from what is written")
        }
        var found: [(Term, UInt64)] = []
        for rendition in removal.renditions {
            let prefix = "\(name.stream)/\(rendition)/"
            try await forEach(prefix: prefix) { key throws(StoreFailure) in
                let parts = key.description.dropFirst(prefix.count).split(separator: "/")
                guard parts.count == 2, let term = Term(parsing: parts[0]),
                    let number = RecordingRemoval.number(of: parts[1]), number >= name.number, number < next ?? .max
                else { return }
                found.append((term, number))
            }
        }
        for (term, number) in found { removal.add(number...number, in: term) }
    }

    /// The stream's own multivariant playlist, where it is this recording's or nobody's. While the stream is live another
    /// recording may take its place at any moment, so it is emptied where it was not changed, and removed later.
    /// - Returns: whether it is left for later.
    private func removeIndex(of name: RecordingName, isLive: Bool) async throws(StoreFailure) -> Bool {
        for _ in 0..<Self.attempts {
            do throws(StoreFailure) {
                return try await tryToRemoveIndex(of: name, isLive: isLive)
            } catch .conditionFailed {
                // Its recorder may have written the same once more.
                continue
            }
        }
        throw .conditionFailed
    }

    private func tryToRemoveIndex(of name: RecordingName, isLive: Bool) async throws(StoreFailure) -> Bool {
        let key = RecordingName.indexKey(of: name.stream)
        let found: StoredContent
        do throws(StoreFailure) {
            found = try await store.get(key)
        } catch .notFound {
            return false
        }
        let lines = String(decoding: found.bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        let newest = lines.lazy.compactMap { RecordingName.parsing(uri: $0, of: name.stream) }.first?.0
        guard newest == name || newest == nil else { return false }
        guard isLive else {
            try await store.delete(key)
            return false
        }
        guard newest == name else { return true }
        let empty = ObjectContent(
            Array("#EXTM3U\n".utf8), mediaType: "application/vnd.apple.mpegurl", cacheControl: Uploader.living)
        try await store.put(key, empty, if: found.version.map { .matches($0) } ?? .none)
        return true
    }

    /// The number at which the stream's next recording begins; a term's folder may hold media of both.
    private func nextNumber(after name: RecordingName) async throws(StoreFailure) -> UInt64? {
        var next: UInt64?
        try await forEach(prefix: "\(RecordingName.folder)\(name.stream)/") { key throws(StoreFailure) in
            guard let other = RecordingName(key), other.stream == name.stream, other.number > name.number else {
                return
            }
            next = min(next ?? other.number, other.number)
        }
        return next
    }

    /// Removes the media of a recording.
    /// - Parameter mayGrow: whether somebody may still store more in its terms, also where the stream's next recording is listed.
    /// - Returns: whether nothing is left that may be its.
    private func removeMedia(
        of name: RecordingName, _ removal: RecordingRemoval, isLive: Bool, mayGrow: Bool
    ) async throws(StoreFailure) -> Bool {
        let next = try await nextNumber(after: name)
        var isWhole = true
        for rendition in removal.renditions.sorted() {
            let needed = try await termsNamed(
                by: next.map { RecordingName(stream: name.stream, number: $0) }, rendition)
            for (term, span) in removal.spans {
                let prefix = "\(name.stream)/\(rendition)/\(term)/"
                let isShared = needed.contains(term)
                let isAwaited = next == nil ? isLive || mayGrow : mayGrow && !isShared
                var folder = MediaFolder(
                    span: span, from: name.number, next: next, isAwaited: isAwaited, isShared: isShared)
                try await forEach(prefix: prefix) { key throws(StoreFailure) in
                    folder.sort(key, file: key.description.dropFirst(prefix.count))
                } then: { () throws(StoreFailure) in
                    try await self.removeAll(folder.takeOwn())
                }
                try await removeAll(folder.freeInitSections)
                isWhole = isWhole && folder.isDecided
            }
        }
        return isWhole
    }

    /// The terms in the names of a recording's media; of a damaged playlist, those that can be read.
    private func termsNamed(
        by name: RecordingName?, _ rendition: RenditionName
    ) async throws(StoreFailure) -> Set<Term> {
        guard let name, let text = try await read(name.mediaKey(rendition)) else { return [] }
        var named = RecordingRemoval(renditions: [])
        named.add(playlist: text)
        return Set(named.spans.keys)
    }

    /// Looks at all keys with a prefix, and has `then` done behind each page.
    private func forEach(
        prefix: String, _ look: (ObjectKey) throws(StoreFailure) -> Void,
        then: () async throws(StoreFailure) -> Void = { () throws(StoreFailure) in }
    ) async throws(StoreFailure) {
        var mark: PageMark?
        repeat {
            let page = try await store.list(prefix: prefix, after: mark)
            for object in page.objects { try look(object.key) }
            try await then()
            mark = page.next
        } while mark != nil
    }

    /// Removes objects, so many at once.
    private func removeAll(_ keys: [ObjectKey]) async throws(StoreFailure) {
        for start in stride(from: 0, to: keys.count, by: Self.removedAtOnce) {
            let some = keys[start..<min(keys.count, start + Self.removedAtOnce)]
            let failure = await withTaskGroup(of: StoreFailure?.self) { [store] group in
                for key in some { group.addTask { await store.failure(ofDeleting: key) } }
                var first: StoreFailure?
                for await failure in group { first = first ?? failure }
                return first
            }
            if let failure { throw failure }
        }
    }

    private static let removedAtOnce = 16
    private static let attempts = 3
}

/// The objects of one rendition and term, sorted into a recording's and others'.
private struct MediaFolder {
    /// The recording's numbers; nil where it has only init sections there.
    let span: ClosedRange<UInt64>?
    /// Where the recording begins.
    let first: UInt64
    /// Where the stream's next recording begins.
    let next: UInt64?
    /// Whether somebody may list what no recording lists yet, and need the init sections for it.
    let isAwaited: Bool
    private var own: [ObjectKey] = []
    private var initSections: [ObjectKey] = []
    /// Whether another recording needs the init sections.
    private var isShared: Bool
    private var isUndecided = false

    /// - Parameter isShared: whether the next recording names something in the folder.
    init(span: ClosedRange<UInt64>?, from first: UInt64, next: UInt64?, isAwaited: Bool, isShared: Bool) {
        self.span = span
        self.first = first
        self.next = next
        self.isAwaited = isAwaited
        self.isShared = isShared
    }

    mutating func sort(_ key: ObjectKey, file: Substring) {
        guard let number = RecordingRemoval.number(of: file) else { return initSections.append(key) }
        // No playlist names parts: they are the recording's from where it begins, whatever it has of the term.
        let lowest = RecordingRemoval.isPart(file) ? first : span?.lowerBound
        guard let lowest, number >= lowest, number < next ?? .max else { return isShared = true }
        if span.map({ number <= $0.upperBound }) ?? false || !isAwaited {
            own.append(key)
        } else {
            // Never listed, or the first of the next recording.
            isUndecided = true
        }
    }

    /// What is to be removed of those that were sorted since the last call.
    mutating func takeOwn() -> [ObjectKey] {
        defer { own = [] }
        return own
    }

    /// The init sections, where nobody needs them.
    var freeInitSections: [ObjectKey] { isShared || isAwaited ? [] : initSections }

    /// Whether nothing is left that may be the recording's: init sections that others need are removed with those.
    var isDecided: Bool { !isUndecided && (isShared || !isAwaited || initSections.isEmpty) }
}

extension ObjectStore {
    fileprivate func failure(ofDeleting key: ObjectKey) async -> StoreFailure? {
        do throws(StoreFailure) {
            try await delete(key)
            return nil
        } catch {
            return error
        }
    }
}
