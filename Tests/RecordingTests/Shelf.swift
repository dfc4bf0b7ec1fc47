// SPDX-License-Identifier: Apache-2.0

import Foundation
import HLS
import Identity
import Logging
import Media
import Objects
import Recording
import Storage
import StoreKit
import Synchronization
import Telemetry
import Testing

/// A folder of recordings that were written long ago.
struct Shelf {
    let catalogue: RecordingCatalogue
    let store: Counted
    private let term = Term(number: 0x19, salt: 1)
    private let clock = ShelfClock()

    init() throws {
        store = Counted(try FileStore(path: "\(StoreServers.scratch)/\(UUID().uuidString)"))
        catalogue = RecordingCatalogue(store)
    }

    /// What was deleted, in order.
    var deletions: [String] { store.deletions }

    /// How often anything was asked for.
    var operations: Int { store.operations }

    /// The civil time of keepers.
    func set(_ time: WallTime) { clock.now.withLock { $0 = time } }

    func advance(by time: Duration) { clock.now.withLock { $0 = $0.advanced(by: time) } }

    /// How many objects were read.
    var reads: Int { store.reads }

    func allow(deletions count: Int) { store.allow(count) }

    func delete(_ stream: String, _ number: UInt64, isLive: Bool = false) async throws -> Bool {
        try await catalogue.delete(name(stream, number), isLive: isLive)
    }

    /// The names of the media of a stream's rendition.
    func media(_ stream: String) async throws -> [String] {
        try await keys("\(stream)/main/\(term)/").compactMap { $0.split(separator: "/").last.map(String.init) }
    }

    func segment(_ stream: String, _ number: UInt64, in other: Term? = nil) async throws {
        let term = other ?? term
        try await write("\(stream)/main/\(term)/\(number).m4s", "\(number)|")
    }

    func name(_ stream: String, _ number: UInt64) throws -> RecordingName {
        try #require(RecordingName(parsing: "\(stream)/\(number)"))
    }

    func keys(_ prefix: String) async throws -> [String] {
        try await store.list(prefix: prefix).objects.map(\.key.description)
    }

    /// Writes a recording. What is ended and not the last of its stream was ended by somebody else, or had become long.
    func put(
        _ stream: String, _ number: UInt64, segments: UInt64, isEnded: Bool = true, isLast: Bool = true,
        discontinuities: Set<UInt64> = [], gaps: Set<UInt64> = [], in other: Term? = nil, firstInitSection: Term? = nil
    ) async throws {
        let term = other ?? term
        var playlist = StoredPlaylist(isEnded: isEnded)
        for msn in number..<(number + segments) {
            playlist.append(
                StoredSegment(
                    msn: msn, term: term,
                    initSection: InitSectionName(term: msn == number ? firstInitSection ?? term : term, number: 0),
                    duration: .seconds(2),
                    programDateTime: WallTime(milliseconds: 1_600_000_000_000 + Int64(msn) * 2000),
                    isDiscontinuity: discontinuities.contains(msn), isGap: gaps.contains(msn)))
            if !gaps.contains(msn) { try await segment(stream, msn, in: term) }
        }
        try await write("\(stream)/main/\(term)/init-0.mp4", "init|")
        var lines = String(decoding: playlist.text, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        if isEnded, isLast { lines.insert("# millrace-last", at: 1) }
        try await write("\(stream)/main/\(number).m3u8", lines.joined(separator: "\n"))
        try await write("recordings/\(stream)/\(number).m3u8", "#EXTM3U\n../../../\(stream)/main/\(number).m3u8\n")
        try await write("\(stream)/index.m3u8", "#EXTM3U\nmain/\(number).m3u8\n")
    }

    func keeper(
        retention: [String: Duration], live: Set<StreamID> = [], reach: Duration = .zero,
        catalogue: RecordingCatalogue? = nil
    ) -> RecordingKeeper {
        var settings = RecordingSettings()
        settings.retention = retention
        settings.reach = reach
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let kit = RecordingKit(
            store: store, disk: nil, settings: settings,
            registry: MetricRegistry(families: RecordingMetrics.families + UploadMetrics.families), log: log,
            now: { [clock] in clock.now.withLock { $0 } })
        return RecordingKeeper(catalogue ?? self.catalogue, kit: kit) { live.contains($0) }
    }

    func text(_ key: String) async throws -> String {
        String(decoding: try await store.get(try #require(ObjectKey(parsing: key))).bytes, as: UTF8.self)
    }

    func write(_ key: String, _ text: String) async throws {
        try await store.put(
            try #require(ObjectKey(parsing: key)), ObjectContent(Array(text.utf8), mediaType: "text/plain"))
    }
}

private final class ShelfClock: Sendable {
    let now = Mutex(StoreServers.wall())
}

/// A store that counts what is deleted from it, and fails when that is too much.
final class Counted: ObjectStore {
    private let store: any ObjectStore
    private let state = Mutex((deletions: [String](), allowed: Int.max, reads: 0, operations: 0))

    init(_ store: any ObjectStore) { self.store = store }

    var deletions: [String] { state.withLock { $0.deletions } }

    var reads: Int { state.withLock { $0.reads } }

    var operations: Int { state.withLock { $0.operations } }

    func allow(_ count: Int) { state.withLock { $0.allowed = count == .max ? .max : $0.deletions.count + count } }

    func perform(_ operation: ObjectOperation) async throws(StoreFailure) -> ObjectOutcome {
        state.withLock { $0.operations += 1 }
        if case .get = operation { state.withLock { $0.reads += 1 } }
        if case .delete(let key) = operation {
            let isAllowed = state.withLock { state in
                guard state.deletions.count < state.allowed else { return false }
                state.deletions.append(key.description)
                return true
            }
            guard isAllowed else { throw .unreachable("no more") }
        }
        return try await store.perform(operation)
    }
}
