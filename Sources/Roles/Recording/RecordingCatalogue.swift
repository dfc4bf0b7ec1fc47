// SPDX-License-Identifier: Apache-2.0

public import HLS
public import Identity
import Media
public import Objects
public import Storage

/// The recordings in a store. It knows nothing but what the store says, so any node, and a command without a node, sees the
/// same.
public actor RecordingCatalogue {
    let store: any ObjectStore
    /// What was read of recordings that are whole, and so do not change.
    private var known: [RecordingName: RecordingStatus] = [:]

    /// The catalogue of a store, which tries again by itself what fails in passing.
    public init(_ store: any ObjectStore) { self.store = store }

    /// A page of recordings.
    /// - Parameters:
    ///   - stream: only those of one stream.
    ///   - mark: where the page begins, as the page before said.
    ///   - limit: how many at most, 1 to 1000.
    public func page(
        of stream: StreamID? = nil, after mark: String? = nil, limit: Int = 100
    ) async throws(StoreFailure) -> RecordingPage {
        let names = try await names(of: stream, after: mark, limit: limit)
        return RecordingPage(recordings: try await statuses(of: names.recordings), next: names.next)
    }

    /// A page of names, for which nothing but the listing is read.
    func names(
        of stream: StreamID? = nil, after mark: String? = nil, limit: Int
    ) async throws(StoreFailure) -> RecordingNames {
        let prefix = RecordingName.folder + (stream.map { "\($0)/" } ?? "")
        let page = try await store.list(prefix: prefix, after: mark.map { PageMark($0) }, limit: limit)
        let removals = page.objects.compactMap { RecordingName(removal: $0.key) }
        let names = page.objects.compactMap { RecordingName($0.key) }.filter { stream == nil || $0.stream == stream }
        // One that is being deleted is no recording any more, wherever that stands.
        let gone = Set(removals)
        return RecordingNames(
            recordings: names.filter { !gone.contains($0) }, removals: removals, next: page.next?.text)
    }

    /// Those of several names that are there and can be read, in their order.
    func statuses(of names: [RecordingName]) async throws(StoreFailure) -> [RecordingStatus] {
        var found: [RecordingStatus] = []
        for start in stride(from: 0, to: names.count, by: Self.readAtOnce) {
            found += try await readable(names[start..<min(names.count, start + Self.readAtOnce)])
        }
        return found
    }

    /// A recording, as the store has it now; nil where there is none, or one that is being deleted.
    public func status(of name: RecordingName) async throws(StoreFailure) -> RecordingStatus? {
        forget(name)
        return try await knownStatus(of: name)
    }

    /// What a rendition of a recording consists of; nil where there is none.
    public func playlist(_ name: RecordingName, _ rendition: RenditionName) async throws(StoreFailure)
        -> StoredPlaylist?
    {
        guard let text = try await read(name.mediaKey(rendition)) else { return nil }
        do {
            return try StoredPlaylist(parsing: text)
        } catch {
            throw .malformed("\(name.mediaKey(rendition)): \(error)")
        }
    }

    /// The renditions of a recording, as its multivariant playlist has them; nil where there is none.
    func renditions(of name: RecordingName) async throws(StoreFailure) -> [RenditionName]? {
        try await read(name.key).map { Self.renditions(of: $0) }
    }

    /// The renditions that a multivariant playlist refers to.
    static func renditions(of text: [UInt8]) -> [RenditionName] {
        let lines = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline)
        return lines.filter { !$0.hasPrefix("#") }.compactMap { uri in
            uri.split(separator: "/").dropLast().last.flatMap { RenditionName(parsing: $0) }
        }
    }

    /// An object's bytes; nil where there is none.
    func read(_ key: ObjectKey) async throws(StoreFailure) -> [UInt8]? {
        do throws(StoreFailure) {
            return try await store.get(key).bytes
        } catch .notFound {
            return nil
        }
    }

    /// A recording is gone.
    func forget(_ name: RecordingName) { known[name] = nil }
}

extension RecordingCatalogue {
    private func knownStatus(of name: RecordingName) async throws(StoreFailure) -> RecordingStatus? {
        if let known = known[name] { return known }
        guard let renditions = try await renditions(of: name) else { return nil }
        for rendition in renditions {
            guard let playlist = try await playlist(name, rendition), let first = playlist.segments.first,
                let last = playlist.segments.last
            else { continue }
            let status = RecordingStatus(
                name: name, startedAt: first.programDateTime, endsAt: last.end, duration: playlist.duration,
                segments: playlist.segments.count, gaps: playlist.gapCount, isWhole: playlist.isEnded,
                renditions: renditions)
            remember(status)
            return status
        }
        return nil
    }

    private func readable(_ names: ArraySlice<RecordingName>) async throws(StoreFailure) -> [RecordingStatus] {
        let results = await withTaskGroup(of: Found.self) { group in
            for name in names { group.addTask { Found(name: name, result: await self.result(name)) } }
            var results: [RecordingName: Result<RecordingStatus?, StoreFailure>] = [:]
            for await found in group { results[found.name] = found.result }
            return results
        }
        var statuses: [RecordingStatus] = []
        for name in names {
            switch results[name] {
            case .success(let status): statuses += [status].compactMap { $0 }
            // What can not be read keeps nobody from the others.
            case .failure(.malformed), nil: continue
            case .failure(let failure): throw failure
            }
        }
        return statuses
    }

    private func result(_ name: RecordingName) async -> Result<RecordingStatus?, StoreFailure> {
        do throws(StoreFailure) {
            return .success(try await knownStatus(of: name))
        } catch {
            return .failure(error)
        }
    }

    private func remember(_ status: RecordingStatus) {
        guard status.isWhole else { return }
        if known.count >= Self.capacity, let any = known.first?.key { known[any] = nil }
        known[status.name] = status
    }

    private static let readAtOnce = 8
    private static let capacity = 20_000
}

private struct Found: Sendable {
    let name: RecordingName
    let result: Result<RecordingStatus?, StoreFailure>
}

/// A page of the names of recordings.
struct RecordingNames: Sendable {
    /// In the order in which the store lists.
    let recordings: [RecordingName]
    /// Those that are being deleted.
    let removals: [RecordingName]
    /// Where the next page begins, in the store's own word; nil on the last.
    let next: String?
}
