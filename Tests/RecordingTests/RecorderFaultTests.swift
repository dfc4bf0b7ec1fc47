// SPDX-License-Identifier: Apache-2.0

import Bytes
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
import TestKit
import Testing
import Upload

@Suite("A recorder whose store fails for a fifth of what it is asked")
struct RecorderFaultTests {
    @Test(
        "shows players nothing that is not there, through recordings that follow one another, terms and lives",
        arguments: UInt64(1)...8)
    func lives(seed: UInt64) async throws {
        let world = try World(seed: seed)
        let life = try await world.life(1, from: 100)
        try await world.publish(14, of: life)
        life.raise(to: world.term(2))
        world.record(life)
        try await world.publish(14, of: life)
        life.end()
        let next = try await world.life(3, from: 500)
        try await world.publish(9, of: next)
        next.end()
        try await eventually("all is written, seed \(seed)") { world.table.streams.isEmpty }
        #expect(world.store.violations == [], "seed \(seed)")
        #expect(world.store.failures > 10, "seed \(seed)")
        let found = try await world.recordings()
        #expect(found.allSatisfy { $0.isWhole && $0.gaps == 0 }, "seed \(seed): \(found)")
        let numbers = found.map(\.name.number)
        #expect(numbers.prefix(1) == [100] && numbers.contains(500) && numbers.count >= 5, "seed \(seed): \(numbers)")
        #expect(found.reduce(0) { $0 + $1.segments } >= 37, "seed \(seed): \(found.map(\.segments))")
    }

    @Test("shows them nothing that is deleted, nor keeps anything of it", arguments: UInt64(1)...8)
    func deletions(seed: UInt64) async throws {
        let world = try World(seed: seed)
        let life = try await world.life(1, from: 100)
        var deleted: Set<UInt64> = []
        for round in 0..<4 {
            try await world.publish(7, of: life)
            try await eventually("a recording is listed, seed \(seed)") {
                try await world.newest().map { !deleted.contains($0.number) } ?? false
            }
            world.store.isPunctual(true)
            let name = try #require(try await world.newest())
            // Some know that the stream is live, and some do not.
            #expect(try await world.besides.delete(name, isLive: round == 2), "seed \(seed)")
            world.store.isPunctual(false)
            deleted.insert(name.number)
        }
        try await world.publish(3, of: life)
        life.end()
        try await eventually("all is written, seed \(seed)") { world.table.streams.isEmpty }
        world.store.isPunctual(true)
        #expect(world.store.violations == [], "seed \(seed)")
        let left = try await world.recordings()
        #expect(left.allSatisfy { $0.isWhole && !deleted.contains($0.name.number) }, "seed \(seed): \(left)")
        #expect(!left.isEmpty && left.allSatisfy { $0.name.number >= 100 }, "seed \(seed): \(left)")
        #expect(try await world.newest() == left.last?.name, "seed \(seed): \(left)")
        // Who looks after recordings leaves nothing but what is listed.
        let keeper = world.keeper
        try await keeper.sweep()
        for recording in left { #expect(try await world.besides.delete(recording.name, isLive: false), "seed \(seed)") }
        try await keeper.sweep()
        #expect(world.store.keys("") == [], "seed \(seed)")
        #expect(world.store.violations == [], "seed \(seed)")
    }
}

/// A table of recorders over a ``WatchedStore``, whose recordings have eight segments at most.
private final class World: Sendable {
    let store: WatchedStore
    let table: RecorderTable
    /// As another node has it, whose store does not fail.
    let besides: RecordingCatalogue
    private let stream: StreamID
    private let kit: RecordingKit

    init(seed: UInt64) throws {
        stream = try StreamID(app: "live", name: "a")
        store = WatchedStore(seed: seed, faults: 20)
        besides = RecordingCatalogue(store.reliable)
        var settings = RecordingSettings()
        settings.longest = 8
        settings.upload.retry.first = .milliseconds(1)
        settings.upload.retry.longest = .milliseconds(8)
        settings.upload.patience = .seconds(60)
        kit = RecordingKit(
            store: store, disk: nil, settings: settings,
            registry: MetricRegistry(families: RecordingMetrics.families + UploadMetrics.families),
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: StoreServers.wall)
        table = RecorderTable(kit) { _, _, _ in }
    }

    /// Who looks after the recordings once nobody can have more of them.
    var keeper: RecordingKeeper { RecordingKeeper(besides, kit: kit) { _ in false } }

    func term(_ number: UInt64) -> Term { Term(number: number, salt: 1) }

    func life(_ number: UInt64, from first: UInt64) async throws -> RecordedLife {
        let life = RecordedLife(of: stream, in: term(number), from: first)
        record(life)
        life.publish(.milliseconds(50))
        return life
    }

    func record(_ life: RecordedLife) { table.record(stream, in: life.term, from: life.replica) }

    /// Publishes so many segments, each when the one before is stored.
    func publish(_ count: Int, of life: RecordedLife) async throws {
        for _ in 0..<count {
            let before = store.keys(".m4s").count
            life.publish(.seconds(1))
            try await eventually("it is stored") { store.keys(".m4s").count > before }
        }
    }

    func recordings() async throws -> [RecordingStatus] {
        try await besides.page().recordings
    }

    /// The stream's newest recording.
    func newest() async throws -> RecordingName? {
        guard let key = ObjectKey(parsing: "\(stream)/index.m3u8"), let text = try? await store.reliable.get(key) else {
            return nil
        }
        let line = String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").first { !$0.hasPrefix("#") }
        return line.flatMap { RecordingName(parsing: "\(stream)/\($0.split(separator: "/").last?.dropLast(5) ?? "")") }
    }
}
