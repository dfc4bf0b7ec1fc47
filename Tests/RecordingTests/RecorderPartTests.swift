// SPDX-License-Identifier: Apache-2.0

import HLS
import Identity
import Recording
import Replica
import TestKit
import Testing

@Suite("A recorder that stores parts")
struct RecorderPartTests {
    @Test("stores those at the live edge under their names, lists none, and leaves none when the stream is over")
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
        #expect(try await desk.parts() == [])
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
        #expect(try await desk.parts() == [])
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
