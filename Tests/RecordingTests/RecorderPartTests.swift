// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Recording
import Replica
import TestKit
import Testing

@Suite("A recorder that stores parts")
struct RecorderPartTests {
    @Test("stores those at the live edge under their names, lists none, and leaves none behind the end of the stream")
    func parts() async throws {
        let desk = try Desk(parts: true)
        let life = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(life)
        life.publish(.milliseconds(3650))
        let folder = "\(desk.stream)/main/\(desk.term(1))"
        try await eventually("the parts of the open segment are there") {
            try await Set(desk.parts()).isSuperset(of: ["\(folder)/103.0.m4s", "\(folder)/103.1.m4s"])
        }
        try await eventually("three are listed") { try await desk.listed(100) >= 3 }
        #expect(try await desk.text(100).contains("EXT-X-PART") == false)
        let bytes = life.replica.partsToStore(after: nil, beyond: 102).first?.contents.first?.bytes
        #expect(try await desk.bytes("\(folder)/103.0.m4s") == bytes && bytes?.isEmpty == false)
        life.publish(.milliseconds(1000))
        life.end()
        try await eventually("it is whole") { desk.table.streams.isEmpty }
        let playlist = try await desk.playlist(100)
        #expect(playlist.isEnded && playlist.gapCount == 0 && playlist.segments.count >= 5)
        #expect(try await desk.missing(in: playlist) == [])
        try await eventually("no part is left") { try await desk.parts().isEmpty }
        #expect(try await desk.media().count == playlist.segments.count)
        #expect(desk.gate.violations == [] && desk.heard.last == .done)
    }

    @Test("goes on without a gap where the store refuses parts")
    func refused() async throws {
        let desk = try Desk(parts: true)
        desk.gate.refuse(".1.m4s")
        let life = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(life)
        life.publish(.milliseconds(5650))
        life.end()
        try await eventually("it is whole") { desk.table.streams.isEmpty }
        let playlist = try await desk.playlist(100)
        #expect(playlist.isEnded && playlist.gapCount == 0 && playlist.segments.count >= 5)
        try await eventually("no part is left") { try await desk.parts().isEmpty }
    }

    @Test("stores a segment before the part that ends with it")
    func segmentFirst() async throws {
        let desk = try Desk(parts: true, concurrency: 1)
        let life = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(life)
        life.publish(.milliseconds(2050))
        try await eventually("two are listed") { try await desk.listed(100) >= 2 }
        let folder = "\(desk.stream)/main/\(desk.term(1))"
        func committed() -> [String] {
            life.replica.partsToStore(after: nil, beyond: 102).filter { $0.position.msn == 103 }
                .map { "\(folder)/103.\($0.position.part).m4s" }
        }
        // One upload at a time is allowed, and none is on its way when the segment ends.
        var known: String?
        for duration in [Duration.milliseconds(1650), .milliseconds(200)] {
            life.publish(duration)
            known = committed().last
            try await eventually("the parts of the open segment are written") {
                known.map { desk.gate.writes.contains($0) } ?? false
            }
        }
        life.publish(.milliseconds(150))
        let last = try #require(committed().last)
        try #require(last != known)
        try await eventually("four are listed") { try await desk.listed(100) >= 4 }
        life.end()
        try await eventually("it is whole") { desk.table.streams.isEmpty }
        #expect(desk.gate.writes.contains("\(folder)/103.m4s") && !desk.gate.writes.contains(last))
    }

    @Test("is whole, and no trouble, where the store lets nobody delete")
    func undeletable() async throws {
        let desk = try Desk(parts: true)
        desk.gate.keepAll()
        let life = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(life)
        life.publish(.milliseconds(2050))
        try await eventually("two are listed") { try await desk.listed(100) >= 2 }
        life.publish(.milliseconds(600))
        try await eventually("a part is there") { try await !desk.parts().isEmpty }
        life.end()
        try await eventually("it is whole", within: .seconds(60)) { desk.table.streams.isEmpty }
        #expect(try await desk.playlist(100).isEnded)
        #expect(try await !desk.parts().isEmpty)
    }

    @Test("stores none where it was not asked to")
    func off() async throws {
        let desk = try Desk()
        let life = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(life)
        life.publish(.milliseconds(3650))
        try await eventually("three are listed") { try await desk.listed(100) >= 3 }
        life.publish(.milliseconds(300))
        life.end()
        try await eventually("it is whole") { desk.table.streams.isEmpty }
        #expect(desk.gate.writes.count > 4 && !desk.gate.writes.contains { Desk.isPart($0) })
    }
}
