// SPDX-License-Identifier: Apache-2.0

import Bytes
import Identity
import TestKit
import Testing
import Upload

/// A queue, a store that fails, and a disk, in virtual time: everything that a shell would do, with every promise of the
/// queue checked after each event.
final class UploadQueueSimulation {
    /// How the world behaves.
    struct World {
        /// How often a request fails, of 100.
        var faults = 20
        /// How often the disk refuses, of 100.
        var diskFaults = 0
        /// How often a playlist turns out to be deleted, so that all get other names, of 100 writes.
        var deletions = 0
        /// When the store takes nothing at all.
        var outage: Range<Duration> = .zero ..< .zero
        /// Segments that it never takes while the stream lives.
        var poisoned: Set<UInt64> = []
        var settings = UploadSettings()
        var segments: UInt64 = 100
        /// Parts of each segment and rendition, beside the segments.
        var parts = 0
    }

    private let world: World
    private let renditions: [RenditionName]
    private var queue: UploadQueue
    private var random: SeededRandom
    private var now: Duration = .zero
    private var pending: [(at: Duration, event: Event)] = []
    private var inStore: Set<UploadID> = []
    private var memory: [UploadID: Int] = [:]
    private var disk: [UploadID: Int] = [:]
    private(set) var gaps: Set<UploadID> = []
    private(set) var lost: Set<UploadID> = []
    private(set) var listed: [RenditionName: UInt64] = [:]
    private var gapsListed: [RenditionName: Set<UploadID>] = [:]
    /// Under which of its names each media playlist is stored, and under which the multivariant playlist names them all.
    private var names: [RenditionName: Int] = [:]
    private(set) var name = 0
    private(set) var namedAs: Int?
    private(set) var told: UInt64?
    private(set) var troubles = 0
    private(set) var isDone = false
    private(set) var longestLag: Duration = .zero
    private(set) var mostInMemory = 0
    /// Parts that were in the store at some time.
    private(set) var partsStored: Set<UploadID> = []
    /// Parts whose names the queue still needs.
    private(set) var partsKnown: Set<UploadID> = []

    private enum Event {
        case upload(UploadID)
        case spill(UploadID)
        case remove(UploadID)
        /// Under one of its names.
        case media(RenditionName, UInt64, Int)
        case multivariant
    }

    init(seed: UInt64, world: World) {
        self.world = world
        renditions = [.main, RenditionName(parsing: "low")].compactMap { $0 }
        queue = UploadQueue(renditions: renditions, settings: world.settings)
        random = SeededRandom(seed: seed)
    }

    /// Streams for two seconds a segment, ends, and goes on until the queue is done and an hour is over.
    func run() {
        for name in renditions { obey(offerInit(name)) }
        for msn in 1...world.segments {
            for part in 0..<world.parts { offer(part: part, of: msn) }
            advance(to: .seconds(Int(msn) * 2))
            for name in renditions {
                let size = Int.random(in: 1000...200_000, using: &random)
                memory[.segment(name, msn)] = size
                obey(queue.offer(SegmentUpload(rendition: name, msn: msn, parameters: 1, size: size), now: now))
            }
        }
        obey(queue.finish(now: now))
        advance(to: now + .seconds(3600))
    }

    /// Parts that are in the store.
    var partsLeft: [UploadID] { inStore.filter(\.isPart) }

    /// What is missing from the store although no playlist says so.
    var missing: [UploadID] {
        renditions.flatMap { name in (1...world.segments).map { UploadID.segment(name, $0) } }
            .filter { !inStore.contains($0) && !gaps.contains($0) }
    }

    private func offerInit(_ name: RenditionName) -> [UploadQueue.Directive] {
        memory[.initSection(name, 1)] = 700
        return queue.offer(initSection: 1, of: name, size: 700, now: now)
    }

    private func offer(part: Int, of msn: UInt64) {
        let begun = Duration.seconds(Int(msn) * 2 - 2)
        advance(to: begun + Duration.seconds(2) * (part + 1) / (world.parts + 1))
        for name in renditions {
            let id = UploadID.part(name, msn, part)
            memory[id] = 10_000
            partsKnown.insert(id)
            obey(queue.offer(part: part, of: msn, in: name, size: 10_000, now: now))
        }
    }

    private func advance(to end: Duration) {
        while true {
            let event = pending.indices.min { pending[$0].at < pending[$1].at }
            let next = min(event.map { pending[$0].at } ?? end, queue.nextDeadline ?? end)
            guard next < end else { break }
            now = max(now, next)
            if let event, pending[event].at <= now {
                handle(pending.remove(at: event).event)
            } else {
                obey(queue.tick(now: now))
            }
        }
        now = end
    }

    private func obey(_ directives: [UploadQueue.Directive]) {
        for directive in directives {
            #expect(!isDone || directive.isOfPart, "\(directive) behind the end")
            switch directive {
            case .upload(let id):
                #expect(memory[id] != nil || disk[id] != nil, "nobody holds \(id)")
                later(.upload(id), within: 1500)
            case .spill(let id): later(.spill(id), within: 50)
            case .release(let id):
                (memory[id], disk[id]) = (nil, nil)
                partsKnown.remove(id)
            case .drop(let id): memory[id] = nil
            case .remove(let id):
                #expect(partsKnown.contains(id), "the name of \(id) is gone")
                later(.remove(id), within: 300)
            case .writePlaylist(let rendition, let msn, _): later(.media(rendition, msn, name), within: 300)
            case .writeMultivariant: later(.multivariant, within: 300)
            case .gap(let name, let msn): gaps.insert(.segment(name, msn))
            case .lost(let name, let msn): lost.insert(.segment(name, msn))
            case .stored(let msn):
                #expect(told.map { $0 < msn } ?? true)
                #expect(renditions.allSatisfy { listed[$0, default: 0] >= msn }, "told \(msn) before it is listed")
                told = msn
                longestLag = max(longestLag, now - .seconds(Int(msn) * 2))
            case .troubled: troubles += 1
            case .recovered: break
            case .done: isDone = true
            }
        }
        mostInMemory = max(mostInMemory, memory.values.reduce(0, +))
    }

    private func later(_ event: Event, within milliseconds: Int) {
        pending.append((now + .milliseconds(Int.random(in: 1...milliseconds, using: &random)), event))
    }

    private func handle(_ event: Event) {
        switch event {
        case .upload(let id):
            guard !fails(id) else {
                // Of some only the answer is lost.
                if id.isPart, Bool.random(using: &random) { inStore.insert(id) }
                return obey(queue.failed(id, now: now, using: &random))
            }
            inStore.insert(id)
            if id.isPart {
                partsStored.insert(id)
                memory[id] = nil
            }
            obey(queue.uploaded(id, now: now))
        case .spill(let id):
            guard Int.random(in: 0..<100, using: &random) >= world.diskFaults else {
                return obey(queue.spillFailed(id, now: now))
            }
            disk[id] = memory.removeValue(forKey: id)
            obey(queue.spilled(id, now: now))
        case .remove(let id):
            guard !fails(id) else { return obey(queue.removalFailed(id, now: now, using: &random)) }
            inStore.remove(id)
            obey(queue.removed(id, now: now))
        case .media(let rendition, let msn, let name): write(rendition, through: msn, as: name)
        case .multivariant:
            #expect(renditions.allSatisfy { listed[$0] != nil }, "the multivariant playlist before a media playlist")
            // It names what is stored, so it waits where something is not under its newest name.
            let isThere = renditions.allSatisfy { names[$0] == name }
            guard isThere, !fails(nil) else { return obey(queue.failed(.multivariant, now: now, using: &random)) }
            namedAs = name
            obey(queue.stored(.multivariant, now: now))
        }
    }

    private func write(_ rendition: RenditionName, through msn: UInt64, as written: Int) {
        guard !fails(nil) else { return obey(queue.failed(.media(rendition), now: now, using: &random)) }
        if Int.random(in: 0..<100, using: &random) < world.deletions {
            name += 1
            return obey(queue.failed(.media(rendition), isRenamed: true, now: now, using: &random))
        }
        checkListed(rendition, through: msn)
        listed[rendition] = msn
        names[rendition] = written
        obey(queue.stored(.media(rendition), now: now))
    }

    /// What a player finds that follows the playlist.
    private func checkListed(_ name: RenditionName, through msn: UInt64) {
        let listedAsGaps = gaps.filter { if case .segment(name, 0...msn) = $0 { true } else { false } }
        #expect(gapsListed[name, default: []].isSubset(of: listedAsGaps), "a gap was filled")
        gapsListed[name] = listedAsGaps
        #expect(msn >= listed[name, default: 0], "the playlist went back")
        #expect(inStore.contains(.initSection(name, 1)), "a playlist before its init section")
        for msn in 1...msn {
            let id = UploadID.segment(name, msn)
            #expect(inStore.contains(id) || gaps.contains(id), "\(id) is listed and not stored")
        }
    }

    private func fails(_ id: UploadID?) -> Bool {
        if world.outage.contains(now) { return true }
        let isLive = now < .seconds(Int(world.segments) * 2)
        if case .segment(_, let msn) = id, world.poisoned.contains(msn), isLive { return true }
        return Int.random(in: 0..<100, using: &random) < world.faults
    }
}

extension UploadQueue.Directive {
    /// Whether it is one with which a part goes.
    fileprivate var isOfPart: Bool {
        switch self {
        case .drop(let id), .release(let id), .remove(let id): id.isPart
        default: false
        }
    }
}

@Suite("An upload queue in a world of faults")
struct UploadQueueSimulationTests {
    @Test(
        "loses nothing, has hardly a gap and breaks no promise when a fifth of all requests fails",
        arguments: UInt64(1)...40)
    func faults(seed: UInt64) {
        let simulation = UploadQueueSimulation(seed: seed, world: .init())
        simulation.run()
        #expect(simulation.isDone, "seed \(seed)")
        #expect(simulation.missing == [] && simulation.lost == [] && simulation.gaps.count <= 2, "seed \(seed)")
        #expect(simulation.told == 100 && simulation.troubles == 0, "seed \(seed)")
    }

    @Test(
        "ends with a multivariant playlist of the names that there are, however often they change",
        arguments: UInt64(1)...40)
    func deletions(seed: UInt64) {
        var world = UploadQueueSimulation.World()
        world.deletions = 10
        let simulation = UploadQueueSimulation(seed: seed, world: world)
        simulation.run()
        #expect(simulation.isDone && simulation.missing == [] && simulation.told == 100, "seed \(seed)")
        #expect(simulation.name > 5 && simulation.namedAs == simulation.name, "seed \(seed)")
    }

    @Test("drains its backlog after a store was away for a minute, and tells of it once", arguments: UInt64(1)...20)
    func outage(seed: UInt64) {
        var world = UploadQueueSimulation.World()
        world.outage = .seconds(50) ..< .seconds(110)
        world.settings.memoryLimit = .kibibytes(512)
        let simulation = UploadQueueSimulation(seed: seed, world: world)
        simulation.run()
        #expect(simulation.isDone && simulation.missing == [] && simulation.troubles == 1, "seed \(seed)")
        #expect(simulation.lost == [] && simulation.told == 100, "seed \(seed)")
        // The limit, those on their way to the store and to the disk, and one of each rendition.
        #expect(simulation.mostInMemory < 512 * 1024 + 10 * 200_000, "seed \(seed)")
    }

    @Test("is not held up by a segment that the store refuses, and lists it as a gap", arguments: UInt64(1)...20)
    func poison(seed: UInt64) {
        var world = UploadQueueSimulation.World()
        world.faults = 5
        world.poisoned = [10, 11, 40]
        let simulation = UploadQueueSimulation(seed: seed, world: world)
        simulation.run()
        #expect(simulation.isDone && simulation.missing == [] && simulation.lost == [], "seed \(seed)")
        #expect([10, 11, 40].allSatisfy { simulation.gaps.contains(.segment(.main, $0)) }, "seed \(seed)")
        #expect(simulation.longestLag < .seconds(16), "seed \(seed): \(simulation.longestLag)")
    }

    @Test("accounts for every segment when the disk refuses now and then", arguments: UInt64(1)...20)
    func disk(seed: UInt64) {
        var world = UploadQueueSimulation.World()
        world.outage = .seconds(50) ..< .seconds(110)
        world.diskFaults = 10
        world.settings.memoryLimit = .kibibytes(512)
        let simulation = UploadQueueSimulation(seed: seed, world: world)
        simulation.run()
        #expect(simulation.isDone && simulation.missing == [] && simulation.told == 100, "seed \(seed)")
    }

    @Test("stores parts beside segments, holds nothing up for them, and leaves none behind", arguments: UInt64(1)...20)
    func parts(seed: UInt64) {
        var world = UploadQueueSimulation.World()
        world.parts = 4
        let simulation = UploadQueueSimulation(seed: seed, world: world)
        simulation.run()
        #expect(simulation.isDone && simulation.told == 100 && simulation.troubles == 0, "seed \(seed)")
        #expect(simulation.missing == [] && simulation.lost == [] && simulation.gaps.count <= 4, "seed \(seed)")
        #expect(simulation.partsStored.count > 200, "seed \(seed): \(simulation.partsStored.count)")
        #expect(simulation.partsLeft == [] && simulation.partsKnown == [], "seed \(seed)")
    }

    @Test("forgets parts over an outage, and no segment", arguments: UInt64(1)...10)
    func partsOverAnOutage(seed: UInt64) {
        var world = UploadQueueSimulation.World()
        world.parts = 4
        world.outage = .seconds(50) ..< .seconds(110)
        let simulation = UploadQueueSimulation(seed: seed, world: world)
        simulation.run()
        #expect(simulation.isDone && simulation.missing == [] && simulation.lost == [], "seed \(seed)")
        #expect(simulation.troubles == 1 && simulation.told == 100, "seed \(seed)")
        let during = simulation.partsStored.filter { if case .part(_, 30...50, _) = $0 { true } else { false } }
        #expect(during == [] && simulation.partsLeft == [], "seed \(seed)")
    }

    @Test("stays within its bounds when neither store nor disk takes anything", arguments: UInt64(1)...20)
    func full(seed: UInt64) {
        var world = UploadQueueSimulation.World()
        world.outage = .seconds(10) ..< .seconds(190)
        world.settings.memoryLimit = .kibibytes(512)
        world.settings.diskLimit = .kibibytes(512)
        let simulation = UploadQueueSimulation(seed: seed, world: world)
        simulation.run()
        #expect(simulation.isDone && simulation.missing == [], "seed \(seed)")
        #expect(!simulation.lost.isEmpty && simulation.told == 100, "seed \(seed)")
        #expect(simulation.mostInMemory < 512 * 1024 + 10 * 200_000, "seed \(seed): \(simulation.mostInMemory)")
    }
}
