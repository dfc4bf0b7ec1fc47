// SPDX-License-Identifier: Apache-2.0

import HLS
import Identity
import Recording
import TestKit
import Testing

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
        try await eventually("it is whole") { desk.table.streams.isEmpty }
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
        try await eventually("both are whole") { desk.table.streams.isEmpty }
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
        try await eventually("all are whole") { desk.table.streams.isEmpty }
        let left = try await desk.catalogue.page().recordings
        #expect(left.map(\.name.number) == [400, 500, 600] && left.allSatisfy(\.isWhole))
    }

    @Test("goes on above a higher term that is found in the store, and keeps what is listed")
    func outdone() async throws {
        let desk = try Desk()
        let life = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(life)
        life.publish(.milliseconds(3050))
        try await eventually("three are listed") { try await desk.listed(100) >= 3 }
        // Another has gone on with it.
        var text = try await desk.text(100)
        text = text.replacing("\(desk.term(1))\n#EXT-X-VERSION", with: "\(desk.term(7))\n#EXT-X-VERSION")
        text += "#EXTINF:1.000000,\n\(desk.term(7))/103.m4s\n"
        try await desk.write(desk.media(100), text)
        try await desk.write("\(desk.stream)/main/\(desk.term(7))/103.m4s", "theirs")
        life.publish(.seconds(3))
        try await eventually("it is told") { desk.heard.contains(.fenced(by: desk.term(7))) }
        life.publish(.seconds(3))
        life.raise(to: desk.term(9))
        desk.record(life)
        life.publish(.seconds(3))
        life.end()
        try await eventually("it is whole") { desk.table.streams.isEmpty }
        let playlist = try await desk.playlist(100)
        #expect(playlist.segments.contains { $0.term == desk.term(7) && $0.msn == 103 })
        #expect(playlist.isEnded && playlist.terms == [desk.term(1), desk.term(7), desk.term(9)])
        let last = try #require(playlist.last)
        #expect(playlist.segments.count >= 10 && playlist.segments.map(\.msn) == Array(100...last))
        #expect(try await desk.missing(in: playlist) == [])
    }

    @Test("ends a stream that was refused, and does not record it again in that term")
    func refused() async throws {
        let desk = try Desk()
        let life = RecordedLife(of: desk.stream, in: desk.term(1), from: 100)
        desk.record(life)
        life.publish(.milliseconds(2050))
        try await eventually("two are listed") { try await desk.listed(100) >= 2 }
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
