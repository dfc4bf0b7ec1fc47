// SPDX-License-Identifier: Apache-2.0

import Bytes
import Foundation
import Identity
import Logging
import ObjectStorage
import Objects
import Recording
import Storage
import StoreKit
import Synchronization
import Telemetry
import Testing
import Upload

@Suite("An uploader")
struct UploaderTests {
    @Test("stores all of a stream in order while a fifth of all requests fails")
    func faults() async throws {
        let settings = try await StoreServers.seaweed()
        let port = try #require(Int(settings.endpoint.split(separator: ":").last ?? ""))
        let line = try await StoreServers.faults(to: port, percent: 20)
        var bad = settings
        bad.endpoint = "http://127.0.0.1:\(line.port)"
        var once = StoreSettings()
        once.attempts = 1
        let stream = try Stream(
            store: StoreServers.store(S3Dialect(bad), settings: once),
            reader: StoreServers.store(S3Dialect(settings)))
        try await stream.run(segments: 60)
        let playlist = try await stream.read("main/media.m3u8")
        #expect(playlist.hasSuffix("#EXT-X-ENDLIST\n") && !playlist.contains("GAP"))
        #expect(stream.stored == 60)
        for msn in 1...60 {
            #expect(try await stream.read("main/\(stream.term)/\(msn).m4s") == "segment \(msn)")
        }
        #expect(try await stream.read("index.m3u8").contains("\n# millrace-term \(stream.term)\n"))
    }

    @Test("sends what waits through the disk")
    func disk() async throws {
        let folder = "\(StoreServers.scratch)/\(UUID().uuidString)"
        let store = try FileStore(path: folder + "/store")
        let gate = GatedStore(store)
        var settings = UploadSettings()
        settings.memoryLimit = .bytes(1)
        settings.concurrency = 1
        let disk = try FileStore(path: folder + "/spill")
        let stream = try Stream(store: gate, reader: store, settings: settings, disk: disk)
        await stream.offer(segments: 1...20)
        try await stream.wait { try await disk.list(prefix: "live").objects.count >= 19 }
        gate.open()
        try await stream.finish()
        #expect(stream.stored == 20)
        #expect(try await stream.read("main/\(stream.term)/17.m4s") == "segment 17")
        try await stream.wait { try await disk.list(prefix: "live").objects.isEmpty }
    }

    @Test("ends when a higher term writes, and leaves its playlists alone")
    func fencing() async throws {
        let store = StoreServers.store(S3Dialect(try await StoreServers.seaweed()))
        let old = try Stream(store: store, reader: store)
        await old.offer(segments: 1...2)
        try await old.wait { old.stored == 2 }
        let new = try Stream(
            store: store, reader: store, stream: old.id, term: Term(number: old.term.number + 1, salt: 0), after: 2)
        await new.offer(segments: 3...4)
        try await new.wait { new.stored == 4 }
        await old.offer(segments: 3...3)
        try await old.wait { old.fencedBy == new.term }
        #expect(try await old.read("main/media.m3u8").contains("# millrace-term \(new.term)\n"))
        try await new.finish()
        let late = try Stream(store: store, reader: store, stream: old.id, term: old.term)
        await late.offer(segments: 1...1)
        try await late.wait { late.fencedBy == new.term }
    }
}

/// A stream of one rendition on its way into a store, and a player that reads it there.
private final class Stream: UploadSource {
    let id: StreamID
    let term: Term
    private let reader: any ObjectStore
    private let uploader = Mutex<Uploader?>(nil)
    private let news = Mutex<[UploadNews]>([])
    private let first: UInt64

    init(
        store: any ObjectStore, reader: any ObjectStore, stream: StreamID? = nil,
        term: Term = Term(number: 0x19, salt: 1), after: UInt64? = nil, settings: UploadSettings = UploadSettings(),
        disk: (any ObjectStore)? = nil
    ) throws {
        id = try stream ?? StreamID(app: "live", name: UUID().uuidString.lowercased())
        self.term = term
        self.reader = reader
        first = 1
        var log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        log.logLevel = .critical
        let made = Uploader(
            term: term, renditions: [.main], after: after, settings: settings, store: store, disk: disk,
            source: self, metrics: UploadMetrics(MetricRegistry(families: UploadMetrics.families)),
            alarm: StoreAlarm(log: log), log: log
        ) { [weak self] news in self?.news.withLock { $0.append(news) } }
        uploader.withLock { $0 = made }
    }

    /// What the feed was told.
    var stored: UInt64? {
        news.withLock { $0.compactMap { if case .stored(let msn) = $0 { msn } else { nil } }.last }
    }

    var fencedBy: Term? {
        news.withLock { $0.compactMap { if case .fenced(let term) = $0 { term } else { nil } }.last }
    }

    func offer(segments: ClosedRange<UInt64>) async {
        guard let uploader = uploader.withLock({ $0 }) else { return }
        if let key = key("main/\(term)/init-1.mp4") {
            await uploader.offer(initSection: 1, of: .main, content("init"), as: key)
        }
        for msn in segments {
            guard let key = key("main/\(term)/\(msn).m4s") else { continue }
            await uploader.offer(segment: msn, of: .main, parameters: 1, content("segment \(msn)"), as: key)
        }
    }

    /// Offers all, and follows the playlist as a player would until the stream is over.
    func run(segments: UInt64) async throws {
        await offer(segments: 1...segments)
        await uploader.withLock { $0 }?.finish()
        var last = 0
        try await wait {
            guard let text = try? await self.read("main/media.m3u8") else { return false }
            let names = text.split(separator: "\n").filter { $0.hasSuffix(".m4s") }
            #expect(names.count >= last, "the playlist went back")
            for name in names[min(last, names.count)...] {
                let key = try #require(self.key("main/\(name)"))
                #expect(try await self.reader.head(key).size > .bytes(0), "\(name) is listed and not stored")
            }
            last = names.count
            return self.isDone
        }
    }

    func finish() async throws {
        await uploader.withLock { $0 }?.finish()
        try await wait { self.isDone }
    }

    func read(_ name: String) async throws -> String {
        String(decoding: try await reader.get(try #require(key(name))).bytes, as: UTF8.self)
    }

    /// Waits until it is so, a minute at most.
    func wait(until isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while !(try await isSo()) {
            guard ContinuousClock.now < deadline else {
                Issue.record("it did not become so")
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    func mediaPlaylist(
        _ rendition: RenditionName, through msn: UInt64, gaps: Set<UInt64>, isLast: Bool
    ) async throws(StoreFailure) -> UploadDocument? {
        var text = "#EXTM3U\n"
        for number in first...msn { text += (gaps.contains(number) ? "#EXT-X-GAP\n" : "") + "\(term)/\(number).m4s\n" }
        return try document("main/media.m3u8", text + (isLast ? "#EXT-X-ENDLIST\n" : ""))
    }

    func listed(_ rendition: RenditionName, in document: UploadDocument, through msn: UInt64) async {}

    func refresh() async {}

    func multivariantPlaylists() async throws(StoreFailure) -> [UploadDocument] {
        [try document("index.m3u8", "#EXTM3U\nmain/media.m3u8\n")]
    }

    private func document(_ name: String, _ text: String) throws(StoreFailure) -> UploadDocument {
        guard let key = key(name) else { throw .notFound }
        return UploadDocument(key: key, text: Array(text.utf8))
    }

    private var isDone: Bool { news.withLock { $0.contains(.done) } }

    private func key(_ name: String) -> ObjectKey? { ObjectKey(parsing: "\(id)/\(name)") }

    private func content(_ text: String) -> ObjectContent { ObjectContent(Array(text.utf8), mediaType: "video/mp4") }
}

/// A store that takes nothing until its gate opens.
private final class GatedStore: ObjectStore {
    private let store: any ObjectStore
    private let isOpen = Mutex(false)

    init(_ store: any ObjectStore) { self.store = store }

    func open() { isOpen.withLock { $0 = true } }

    func perform(_ operation: ObjectOperation) async throws(StoreFailure) -> ObjectOutcome {
        guard isOpen.withLock({ $0 }) else { throw .serverFailed(500) }
        return try await store.perform(operation)
    }
}
