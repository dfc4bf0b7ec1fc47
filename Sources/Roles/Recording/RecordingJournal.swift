// SPDX-License-Identifier: Apache-2.0

import Cluster
import HLS
import Identity
import Media
import Objects
import Storage

/// What a recording's playlists say: what the store has of it already, and what this gateway adds.
///
/// Whoever begins to record a stream looks in the store first. A recording that was not finished, because its gateway died,
/// goes on; any other is left as it is, and a new one begins.
actor RecordingJournal: UploadSource {
    private let stream: StreamID
    private var term: Term
    private let renditions: [RenditionName]
    private let store: any ObjectStore
    private let resumption: Duration
    private let predecessor: Ending?
    private let now: @Sendable () -> WallTime
    private var variants: [StreamVariant] = []
    private var added: [AddedSegment] = []
    private var targetDuration: Int?
    /// The newest segment that a playlist in the store lists, by what was written here.
    private var newestListed: UInt64?
    /// The media playlists that were written here last.
    private var written: [RenditionName: ObjectKey] = [:]
    /// The recording, where it is known before the store is asked.
    private var name: RecordingName?
    private var isNew: Bool
    private var isConcluded = false
    private var beginning: Beginning?
    private var opening: Task<Result<Beginning?, StoreFailure>, Never>?

    /// What there was before this gateway.
    struct Beginning: Sendable {
        let name: RecordingName
        /// What the store has of it, by rendition.
        var playlists: [RenditionName: StoredPlaylist] = [:]
        /// Which contents those are.
        var versions: [RenditionName: ObjectVersion] = [:]
        /// The texts of those that are ended, as they are to stay.
        var ended: [RenditionName: [UInt8]] = [:]

        /// Whether one of its playlists says that nothing follows: so the others are to.
        var isEnded: Bool { playlists.values.contains(where: \.isEnded) }

        /// What may be replaced by a playlist that goes on from this.
        func basis(of rendition: RenditionName) -> UploadDocument.Basis {
            if let version = versions[rendition] { return .content(version) }
            return playlists[rendition] == nil ? .nothing : .anything
        }
    }

    private struct AddedSegment {
        let segment: StoredSegment
        let isBeginning: Bool

        var name: SegmentName { SegmentName(msn: segment.msn, term: segment.term) }
    }

    private struct SegmentName: Hashable {
        let msn: UInt64
        let term: Term
    }

    /// A journal of a stream.
    /// - Parameters:
    ///   - name: the recording, where it is known to begin now.
    ///   - predecessor: the recording before this one; until that ends, no playlist is written.
    ///   - resumption: how old an unfinished recording may be for a stream that began anew to go on with it.
    ///   - now: civil time.
    init(
        _ stream: StreamID, term: Term, renditions: [RenditionName], name: RecordingName?, after predecessor: Ending?,
        resumption: Duration, store: any ObjectStore, now: @escaping @Sendable () -> WallTime
    ) {
        self.stream = stream
        self.term = term
        self.renditions = renditions
        self.name = name
        isNew = name != nil
        self.predecessor = predecessor
        self.resumption = resumption
        self.store = store
        self.now = now
    }

    /// The stream goes on here in a higher term.
    func raise(to term: Term) { self.term = max(self.term, term) }

    /// The stream is over, and all of it was added: its last playlists say so.
    func conclude() { isConcluded = true }

    /// How many segments are listed.
    var count: Int { added.count + (beginning?.playlists.values.map(\.segments.count).max() ?? 0) }

    /// Adds the next segment of the stream.
    func add(_ segment: StoredSegment, isBeginning: Bool, targetDuration: Int?) {
        added.append(AddedSegment(segment: segment, isBeginning: isBeginning))
        self.targetDuration = targetDuration ?? self.targetDuration
    }

    /// Says what the multivariant playlist is to say of the renditions.
    func describe(_ variants: [StreamVariant]) {
        if !variants.isEmpty { self.variants = variants }
    }

    func mediaPlaylist(
        _ rendition: RenditionName, through msn: UInt64, gaps: Set<UInt64>, isLast: Bool
    ) async throws(StoreFailure) -> UploadDocument? {
        guard let beginning = try await begun() else { return nil }
        if added.isEmpty, let text = beginning.ended[rendition] {
            return UploadDocument(
                key: beginning.name.mediaKey(rendition), text: text, basis: beginning.basis(of: rendition))
        }
        var playlist = beginning.playlists[rendition] ?? StoredPlaylist()
        for added in added where added.segment.msn <= msn {
            var segment = added.segment
            segment.isGap = segment.isGap || gaps.contains(segment.msn)
            playlist.append(segment, isBeginning: added.isBeginning, targetDuration: targetDuration)
        }
        guard !playlist.segments.isEmpty else { return nil }
        playlist.isEnded = isLast
        let text = isLast && isConcluded ? Conclusion.marked(playlist.text) : playlist.text
        return UploadDocument(
            key: beginning.name.mediaKey(rendition), text: text, basis: beginning.basis(of: rendition))
    }

    func listed(_ rendition: RenditionName, in document: UploadDocument, through msn: UInt64) {
        newestListed = max(newestListed ?? msn, msn)
        written[rendition] = document.key
    }

    /// Another gateway wrote while this one read: what it listed is to stay listed.
    func refresh() { beginning = nil }

    func multivariantPlaylists() async throws(StoreFailure) -> [UploadDocument] {
        guard let name = try await begun()?.name else { return [] }
        // The stream's own playlists say it, which come with its second segment.
        let variants = variants.filter { renditions.contains($0.rendition) }
        let isWritten = renditions.allSatisfy { written[$0] == name.mediaKey($0) }
        guard isWritten, !variants.isEmpty else { throw .throttled(retryAfter: Self.patience) }
        return [
            UploadDocument(key: name.key, text: MultivariantPlaylist(of: variants, at: name.mediaURI).text),
            UploadDocument(
                key: RecordingName.indexKey(of: stream),
                text: MultivariantPlaylist(of: variants) { "\($0)/\(name.number).m3u8" }.text),
        ]
    }

    private static let patience: Duration = .milliseconds(500)
}

// MARK: - Going on

extension RecordingJournal {
    /// The recording that this gateway writes, found in the store at the first wish for it; nil while there is nothing to be
    /// recorded that could name one.
    private func begun() async throws(StoreFailure) -> Beginning? {
        if let beginning { return beginning }
        let opening =
            opening
            ?? Task {
                await self.predecessor?.wait()
                do throws(StoreFailure) {
                    return .success(try await self.open())
                } catch {
                    return .failure(error)
                }
            }
        self.opening = opening
        let result = await opening.value
        self.opening = nil
        guard let found = try result.get() else { return nil }
        if beginning == nil { begin(found) }
        // It may be read anew already: what was added since belongs to that.
        guard let beginning else { throw .conditionFailed }
        return beginning
    }

    private func begin(_ found: Beginning) {
        beginning = found
        name = found.name
        isNew = false
        drop(listedBy: found)
    }

    private func open() async throws(StoreFailure) -> Beginning? {
        if let name { return isNew ? Beginning(name: name) : try await open(anew: name) }
        guard let former = try await newest() else { return try await fresh() }
        if let removal = try await removal(of: former.name) {
            // What it lists goes with it; another life of the stream may have the same numbers in another term.
            added.removeAll { removal.removes($0.segment.msn, in: $0.segment.term) }
            return try await fresh()
        }
        if !former.isEnded, let listed = former.playlists.values.first, continues(listed) { return former }
        try await finish(former)
        // Who deletes a recording deletes all that it lists: nothing is listed by two.
        drop(listedBy: former)
        return try await fresh()
    }

    /// Reads again what somebody else has changed. A recording that was ended or deleted meanwhile is left as it is, and what
    /// it does not list begins another: what a deleted one listed is gone with it.
    private func open(anew name: RecordingName) async throws(StoreFailure) -> Beginning? {
        let found = try await read(name, renditions)
        let removed = try await removed(name)
        guard removed == nil, !found.playlists.isEmpty, !lacksWritten(found) else {
            // A write that seemed to fail may have listed more, which who deleted it has read.
            let gone = [newestListed, removed].compactMap { $0 }
            if let last = gone.max() { drop(through: last) }
            return try await fresh()
        }
        guard found.isEnded else { return found }
        if let last = found.playlists.values.compactMap(\.last).max() { drop(through: last) }
        // It is as it was left here, or nothing has come since: it is the recording still.
        if added.isEmpty { return found }
        try await finish(found)
        return try await fresh()
    }

    /// A recording that begins with the first segment that none lists; nil where there is no such segment. What belongs to one
    /// that is being deleted goes with it, so none is called as that was.
    private func fresh() async throws(StoreFailure) -> Beginning? {
        while let first = added.first?.segment.msn {
            let name = RecordingName(stream: stream, number: first)
            guard let last = try await removed(name) else { return Beginning(name: name) }
            drop(through: max(first, last))
        }
        return nil
    }

    /// The newest segment that goes with a recording that is being deleted; nil for one that is not.
    private func removed(_ name: RecordingName) async throws(StoreFailure) -> UInt64? {
        try await removal(of: name).map { $0.last ?? name.number }
    }

    /// What is being removed of a recording; nil for one that is not being deleted.
    private func removal(of name: RecordingName) async throws(StoreFailure) -> RecordingRemoval? {
        try await read(name.removalKey).map { RecordingRemoval(parsing: $0.bytes) }
    }

    /// Whether a playlist that was written here is gone, as while the recording is being deleted.
    private func lacksWritten(_ found: Beginning) -> Bool {
        renditions.contains { rendition in
            written[rendition] == found.name.mediaKey(rendition) && found.playlists[rendition] == nil
                && found.versions[rendition] == nil
        }
    }

    private func drop(through msn: UInt64) { added.removeAll { $0.segment.msn <= msn } }

    /// Lets go of what a recording lists, in all renditions.
    private func drop(listedBy other: Beginning) {
        let listed = renditions.map { rendition in
            Set(other.playlists[rendition]?.segments.map { SegmentName(msn: $0.msn, term: $0.term) } ?? [])
        }
        added.removeAll { each in listed.allSatisfy { $0.contains(each.name) } }
    }

    /// Whether this gateway goes on with a recording: with the window of its predecessor, or after a loss of all of them soon
    /// enough.
    private func continues(_ listed: StoredPlaylist) -> Bool {
        guard let newest = listed.segments.last, let first = added.first else { return true }
        if !first.isBeginning, first.segment.msn <= newest.msn + 1 + StreamRecorder.mostMissing { return true }
        return Duration.milliseconds(now().milliseconds - newest.end.milliseconds) <= resumption
    }

    /// The stream's newest recording in the store.
    private func newest() async throws(StoreFailure) -> Beginning? {
        guard let text = try await read(RecordingName.indexKey(of: stream)) else { return nil }
        let lines = String(decoding: text.bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        let found = lines.compactMap { RecordingName.parsing(uri: $0, of: stream) }
        guard let name = found.first?.0 else { return nil }
        let beginning = try await read(name, found.filter { $0.0 == name }.map(\.1))
        return beginning.playlists.isEmpty ? nil : beginning
    }

    private func read(_ name: RecordingName, _ renditions: [RenditionName]) async throws(StoreFailure) -> Beginning {
        var beginning = Beginning(name: name)
        for rendition in renditions {
            guard let content = try await read(name.mediaKey(rendition)) else { continue }
            beginning.playlists[rendition] = try? StoredPlaylist(parsing: content.bytes)
            beginning.versions[rendition] = content.version
            if beginning.playlists[rendition]?.isEnded == true {
                beginning.ended[rendition] = FencedPlaylist.unmarked(content.bytes)
            }
        }
        return beginning
    }

    private func read(_ key: ObjectKey) async throws(StoreFailure) -> StoredContent? {
        do throws(StoreFailure) {
            return try await store.get(key)
        } catch .notFound {
            return nil
        }
    }

    /// Ends what a predecessor began, as nothing more comes.
    func finishFormer() async throws(StoreFailure) {
        await predecessor?.wait()
        if let former = try await newest() { try await finish(former) }
    }

    /// Nobody else will: its gateway died, and its publisher did not come back in time.
    private func finish(_ former: Beginning) async throws(StoreFailure) {
        for (rendition, playlist) in former.playlists where !playlist.isEnded {
            var ended = playlist
            ended.isEnded = true
            var document = FencedPlaylist(former.name.mediaKey(rendition))
            _ = try await document.write(
                ended.text, in: term, goingOnFrom: former.basis(of: rendition), cacheControl: Uploader.lasting,
                to: store)
        }
    }
}
