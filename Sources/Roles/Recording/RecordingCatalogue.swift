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
        let prefix = RecordingName.folder + (stream.map { "\($0)/" } ?? "")
        let page = try await store.list(prefix: prefix, after: mark.map { PageMark($0) }, limit: limit)
        let names = page.objects.compactMap { RecordingName($0.key) }.filter { stream == nil || $0.stream == stream }
        var found: [Finding] = []
        for start in stride(from: 0, to: names.count, by: Self.readAtOnce) {
            found += try await findings(names[start..<min(names.count, start + Self.readAtOnce)])
        }
        return RecordingPage(
            recordings: found.compactMap { if case .recording(let status) = $0 { status } else { nil } },
            removals: found.compactMap { if case .removal(let name) = $0 { name } else { nil } },
            next: page.next?.text)
    }

    /// A recording; nil where there is none, or one that is being deleted.
    public func status(of name: RecordingName) async throws(StoreFailure) -> RecordingStatus? {
        if case .recording(let status) = try await finding(name) { status } else { nil }
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

    /// What lies under a recording's key.
    func entry(of name: RecordingName) async throws(StoreFailure) -> RecordingEntry? {
        try await read(name.key).map { RecordingEntry(parsing: $0) }
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
    private func finding(_ name: RecordingName) async throws(StoreFailure) -> Finding {
        if let known = known[name] { return .recording(known) }
        switch try await entry(of: name) {
        case nil: return .nothing
        case .removal: return .removal(name)
        case .recording(let renditions):
            for rendition in renditions {
                guard let playlist = try await playlist(name, rendition), let first = playlist.segments.first,
                    let last = playlist.segments.last
                else { continue }
                let status = RecordingStatus(
                    name: name, startedAt: first.programDateTime, endsAt: last.end, duration: playlist.duration,
                    segments: playlist.segments.count, gaps: playlist.gapCount, isWhole: playlist.isEnded,
                    renditions: renditions)
                remember(status)
                return .recording(status)
            }
            return .nothing
        }
    }

    /// Those of several names, read at once, in their order.
    private func findings(_ names: ArraySlice<RecordingName>) async throws(StoreFailure) -> [Finding] {
        let results = await withTaskGroup(of: Found.self) { group in
            for name in names { group.addTask { Found(name: name, result: await self.result(name)) } }
            var results: [RecordingName: Result<Finding, StoreFailure>] = [:]
            for await found in group { results[found.name] = found.result }
            return results
        }
        var findings: [Finding] = []
        for name in names {
            switch results[name] {
            case .success(let finding): findings.append(finding)
            // What can not be read is no recording; it keeps nobody from the others.
            case .failure(.malformed), nil: continue
            case .failure(let failure): throw failure
            }
        }
        return findings
    }

    private func result(_ name: RecordingName) async -> Result<Finding, StoreFailure> {
        do throws(StoreFailure) {
            return .success(try await finding(name))
        } catch {
            return .failure(error)
        }
    }

    private func remember(_ status: RecordingStatus) {
        guard status.isWhole else { return }
        if known.count >= Self.capacity { known = [:] }
        known[status.name] = status
    }

    private static let readAtOnce = 8
    private static let capacity = 10_000
}

/// What there is of a name.
private enum Finding: Sendable {
    case nothing
    case recording(RecordingStatus)
    case removal(RecordingName)
}

private struct Found: Sendable {
    let name: RecordingName
    let result: Result<Finding, StoreFailure>
}
