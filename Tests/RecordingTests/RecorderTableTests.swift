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

@Suite("A table of recorders")
struct RecorderTableTests {
    @Test("writes what waits when the same node goes on in a higher term")
    func raised() async throws {
        let desk = try Desk()
        desk.gate.close()
        let life = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(life)
        try await desk.publish(30, of: life)
        life.raise(to: desk.term(2))
        desk.record(life)
        #expect(desk.table.records(desk.stream, in: desk.term(2)))
        try await desk.publish(5, of: life)
        desk.gate.open()
        life.end()
        try await eventually("it is whole", within: .seconds(60)) { desk.table.streams.isEmpty }
        let playlist = try await desk.playlist(100)
        #expect(playlist.isEnded && playlist.gapCount == 0)
        #expect(playlist.segments.first?.msn == 100 && playlist.segments.count >= 35)
        #expect(playlist.terms == [desk.term(1), desk.term(2)])
        #expect(try await desk.missing(in: playlist) == [])
        #expect(desk.heard.last == .done && desk.gate.violations == [])
    }

    @Test("writes an earlier life of a stream to its end before the next is listed")
    func lives() async throws {
        let desk = try Desk()
        desk.gate.close()
        let first = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(first)
        try await desk.publish(20, of: first)
        first.end()
        let second = RecordedLife(of: desk.stream, in: desk.term(2), from: 500)
        desk.record(second)
        try await desk.publish(20, of: second)
        desk.gate.open()
        second.end()
        try await eventually("both are whole", within: .seconds(60)) { desk.table.streams.isEmpty }
        for number in [100, 500] as [UInt64] {
            let playlist = try await desk.playlist(number)
            #expect(playlist.isEnded && playlist.gapCount == 0 && playlist.segments.count >= 20)
            #expect(try await desk.missing(in: playlist) == [])
        }
        let writes = desk.gate.writes.filter { $0.hasSuffix("00.m3u8") && $0.hasPrefix("live") }
        #expect(writes == writes.sorted(), "\(writes)")
        #expect(desk.gate.violations == [])
    }

    @Test("keeps but two earlier lives of a stream")
    func manyLives() async throws {
        let desk = try Desk()
        desk.gate.close()
        for number in 1...6 as ClosedRange<UInt64> {
            let life = RecordedLife(of: desk.stream, in: desk.term(number), from: number * 100)
            desk.record(life)
            try await desk.publish(3, of: life, waiting: false)
            life.end()
        }
        desk.gate.open()
        try await eventually("all are whole", within: .seconds(60)) { desk.table.streams.isEmpty }
        let left = try await desk.catalogue.page().recordings
        #expect(left.map(\.name.number) == [400, 500, 600] && left.allSatisfy(\.isWhole))
    }

    @Test("goes on above a higher term that is found in the store, and keeps what is listed")
    func outdone() async throws {
        let desk = try Desk()
        let life = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(life)
        life.publish(.milliseconds(3050))
        try await eventually("three are listed", within: .seconds(60)) { try await desk.listed(100) >= 3 }
        // Another has gone on with it.
        var text = try await desk.text(100)
        text = text.replacing("\(desk.term(1))\n#EXT-X-VERSION", with: "\(desk.term(7))\n#EXT-X-VERSION")
        text += "#EXTINF:1.000000,\n\(desk.term(7))/103.m4s\n"
        try await desk.write(desk.media(100), text)
        try await desk.write("\(desk.stream)/main/\(desk.term(7))/103.m4s", "theirs")
        life.publish(.seconds(3))
        try await eventually("it is told", within: .seconds(60)) { desk.heard.contains(.fenced(by: desk.term(7))) }
        life.publish(.seconds(3))
        life.raise(to: desk.term(9))
        desk.record(life)
        life.publish(.seconds(3))
        life.end()
        try await eventually("it is whole", within: .seconds(60)) { desk.table.streams.isEmpty }
        let playlist = try await desk.playlist(100)
        #expect(playlist.segments.contains { $0.term == desk.term(7) && $0.msn == 103 })
        #expect(playlist.isEnded && playlist.terms == [desk.term(1), desk.term(7), desk.term(9)])
        let last = try #require(playlist.last)
        #expect(playlist.segments.count >= 10 && playlist.segments.map(\.msn) == Array(100...last))
        #expect(try await desk.missing(in: playlist) == [])
    }

    @Test("does not write again what was deleted: what comes behind it is another recording")
    func deleted() async throws {
        let desk = try Desk()
        let life = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(life)
        life.publish(.milliseconds(3050))
        try await eventually("it is a recording", within: .seconds(60)) {
            try await desk.catalogue.page().recordings.first?.segments ?? 0 >= 3
        }
        let name = try #require(RecordingName(parsing: "\(desk.stream)/100"))
        #expect(try await desk.catalogue.delete(name, isLive: true))
        life.publish(.seconds(3))
        life.end()
        try await eventually("it is whole", within: .seconds(60)) { desk.table.streams.isEmpty }
        #expect(try await desk.listed(100) == 0)
        let left = try await desk.catalogue.page().recordings
        #expect(left.map(\.name.number) == [103] && left.allSatisfy(\.isWhole))
        #expect(try await desk.missing(in: desk.playlist(103)) == [])
        #expect(desk.heard.last == .done)
    }

    @Test("ends a stream that was refused, and does not record it again in that term")
    func refused() async throws {
        let desk = try Desk()
        let life = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(life)
        life.publish(.milliseconds(2050))
        try await eventually("two are listed", within: .seconds(60)) { try await desk.listed(100) >= 2 }
        desk.table.refuse(desk.stream, in: desk.term(1))
        #expect(desk.table.streams.isEmpty)
        desk.record(life)
        #expect(desk.table.streams.isEmpty)
        life.raise(to: desk.term(2))
        desk.record(life)
        #expect(desk.table.streams == [desk.stream])
        desk.table.stop(desk.stream)
    }
}

/// A table of recorders, a store with a gate, a disk for what waits, and a player.
private final class Desk: Sendable {
    let stream: StreamID
    let gate: Gate
    let table: RecorderTable
    let catalogue: RecordingCatalogue
    private let disk: FileStore
    private let news: News

    init() throws {
        stream = try StreamID(app: "live", name: "a")
        let folder = "\(StoreServers.scratch)/\(UUID().uuidString)"
        gate = Gate(try FileStore(path: folder + "/store"))
        disk = try FileStore(path: folder + "/disk")
        catalogue = RecordingCatalogue(gate)
        var settings = RecordingSettings()
        settings.upload.memoryLimit = .bytes(1)
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
            try await eventually("\(number) wait", within: .seconds(60)) {
                try await self.disk.list(prefix: "live").objects.count >= before + number - 5
            }
        }
    }

    func text(_ number: UInt64) async throws -> String {
        String(decoding: try await gate.get(try #require(ObjectKey(parsing: media(number)))).bytes, as: UTF8.self)
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
            if (try? await gate.head(key)) == nil { missing.append(segment.msn) }
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
private final class Gate: ObjectStore {
    private let store: any ObjectStore
    private let state = Mutex(State())

    private struct State {
        var isOpen = true
        var writes: [String] = []
        var violations: [String] = []
    }

    init(_ store: any ObjectStore) { self.store = store }

    var writes: [String] { state.withLock { $0.writes } }

    var violations: [String] { state.withLock { $0.violations } }

    func open() { state.withLock { $0.isOpen = true } }

    func close() { state.withLock { $0.isOpen = false } }

    func perform(_ operation: ObjectOperation) async throws(StoreFailure) -> ObjectOutcome {
        guard state.withLock({ $0.isOpen }) else { throw .serverFailed(500) }
        let outcome = try await store.perform(operation)
        if case .put(let key, let content, _) = operation { await check(key, content) }
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
