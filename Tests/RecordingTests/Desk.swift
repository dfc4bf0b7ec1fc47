// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import HLS
import Identity
import Logging
import Objects
import Recording
import Storage
import StoreKit
import Synchronization
import Telemetry
import TestKit
import Testing
import Upload

/// A table of recorders, a store with a gate, a disk for what waits, and a player.
final class Desk: Sendable {
    let stream: StreamID
    let gate: Gate
    let table: RecorderTable
    let catalogue: RecordingCatalogue
    /// As another node has it, for which the gate is no matter.
    let besides: RecordingCatalogue
    private let disk: FileStore
    private let store: FileStore
    private let news: News

    /// - Parameters:
    ///   - parts: whether parts are stored, too; what waits is in memory then, and on the disk otherwise.
    ///   - concurrency: uploads at a time.
    init(parts: Bool = false, concurrency: Int = 4) throws {
        stream = try StreamID(app: "live", name: "a")
        let folder = "\(StoreServers.scratch)/\(UUID().uuidString)"
        let store = try FileStore(path: folder + "/store")
        gate = Gate(store)
        besides = RecordingCatalogue(store)
        self.store = store
        disk = try FileStore(path: folder + "/disk")
        catalogue = RecordingCatalogue(gate)
        var settings = RecordingSettings()
        settings.upload.concurrency = concurrency
        if !parts { settings.upload.memoryLimit = .bytes(1) }
        settings.upload.partRetention = .seconds(2)
        settings.storesParts = parts
        let news = News()
        self.news = news
        let kit = RecordingKit(
            store: gate, disk: disk, settings: settings,
            registry: MetricRegistry(families: RecordingMetrics.families + UploadMetrics.families),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: StoreServers.wall)
        table = RecorderTable(kit) { _, _, told in news.all.withLock { $0.append(told) } }
    }

    /// What the feed was told.
    var heard: [UploadNews] { news.all.withLock { $0 } }

    func term(_ number: UInt64) -> Term { Term(number: number, salt: 1) }

    func record(_ life: RecordedLife) { table.record(stream, in: life.term, from: life.replica) }

    /// Publishes so many segments, each when the one before waits for the store: more than a window holds.
    func publish(_ count: Int, of life: RecordedLife, waiting: Bool = true) async throws {
        let before = try await disk.list(prefix: "live").objects.count
        for number in 1...count {
            life.publish(number == 1 ? .milliseconds(1050) : .seconds(1))
            guard waiting else { continue }
            try await eventually("\(number) wait") {
                try await self.disk.list(prefix: "live").objects.count >= before + number - 5
            }
        }
    }

    /// The names of the segments in the store.
    func media() async throws -> [String] {
        try await store.list(prefix: "\(stream)/main/").objects.map(\.key.description).filter { $0.hasSuffix(".m4s") }
    }

    /// The names of the parts among them.
    func parts() async throws -> [String] { try await media().filter { Self.isPart($0) } }

    /// Whether an object is a part: `{msn}.{part}.m4s`.
    static func isPart(_ name: String) -> Bool {
        name.hasSuffix(".m4s") && name.split(separator: "/").last?.count { $0 == "." } == 2
    }

    func text(_ number: UInt64) async throws -> String {
        String(decoding: try await store.get(try #require(ObjectKey(parsing: media(number)))).bytes, as: UTF8.self)
    }

    func bytes(_ key: String) async throws -> [UInt8] {
        try await store.get(try #require(ObjectKey(parsing: key))).bytes
    }

    func media(_ number: UInt64) -> String { "\(stream)/main/\(number).m3u8" }

    func playlist(_ number: UInt64) async throws -> StoredPlaylist {
        try StoredPlaylist(parsing: Array(try await text(number).utf8))
    }

    func listed(_ number: UInt64) async throws -> Int {
        do {
            return try await playlist(number).segments.count
        } catch StoreFailure.notFound {
            return 0
        }
    }

    /// What a playlist lists that is not in the store.
    func missing(in playlist: StoredPlaylist) async throws -> [UInt64] {
        var missing: [UInt64] = []
        for segment in playlist.segments where !segment.isGap {
            let key = try #require(ObjectKey(parsing: "\(stream)/main/\(segment.term)/\(segment.msn).m4s"))
            if (try? await store.head(key)) == nil { missing.append(segment.msn) }
        }
        return missing
    }

    func write(_ key: String, _ text: String) async throws {
        try await gate.put(
            try #require(ObjectKey(parsing: key)), ObjectContent(Array(text.utf8), mediaType: "text/plain"))
    }
}

private final class News: Sendable {
    let all = Mutex<[UploadNews]>([])
}

/// A store that takes nothing while its gate is closed, and looks at each playlist that is written: it must be there whole.
final class Gate: ObjectStore {
    private let store: any ObjectStore
    private let state = Mutex(State())

    private struct State {
        var isOpen = true
        /// What the names of objects end with that can not be written.
        var refused: String?
        /// Whether nothing can be deleted.
        var keepsAll = false
        /// What is written without an answer; the gate closes behind it.
        var silent: String?
        var writes: [String] = []
        var violations: [String] = []
    }

    init(_ store: any ObjectStore) { self.store = store }

    var writes: [String] { state.withLock { $0.writes } }

    var violations: [String] { state.withLock { $0.violations } }

    var isOpen: Bool { state.withLock { $0.isOpen } }

    func refuse(_ suffix: String?) { state.withLock { $0.refused = suffix } }

    func keepAll() { state.withLock { $0.keepsAll = true } }

    func loseAnswer(to key: String) { state.withLock { $0.silent = key } }

    func open() { state.withLock { $0.isOpen = true } }

    func close() { state.withLock { $0.isOpen = false } }

    func perform(_ operation: ObjectOperation) async throws(StoreFailure) -> ObjectOutcome {
        let name = if case .put(let key, _, _) = operation { key.description } else { "" }
        let isDeletion = if case .delete = operation { true } else { false }
        let isTaken = state.withLock { state in
            state.isOpen && !name.hasSuffix(state.refused ?? "nothing") && !(isDeletion && state.keepsAll)
        }
        guard isTaken else { throw .serverFailed(500) }
        let outcome = try await store.perform(operation)
        if case .put(let key, let content, _) = operation { await check(key, content) }
        let isSilent = state.withLock { state in
            guard state.silent == name else { return false }
            (state.silent, state.isOpen) = (nil, false)
            return true
        }
        if isSilent { throw .timedOut }
        return outcome
    }

    private func check(_ key: ObjectKey, _ content: ObjectContent) async {
        state.withLock { $0.writes.append(key.description) }
        guard let playlist = try? StoredPlaylist(parsing: content.bytes) else { return }
        let folder = key.description.split(separator: "/").dropLast().joined(separator: "/")
        for segment in playlist.segments where !segment.isGap {
            guard let media = ObjectKey(parsing: "\(folder)/\(segment.term)/\(segment.msn).m4s"),
                (try? await store.head(media)) == nil
            else { continue }
            state.withLock { $0.violations.append("\(media) is listed in \(key)") }
        }
    }
}
