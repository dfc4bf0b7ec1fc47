// SPDX-License-Identifier: Apache-2.0

import HLS
import Identity
import Recording
import StoreKit
import TestKit
import Testing
import Upload

@Suite("A recorder whose recording somebody else deletes or ends")
struct RecorderDeletionTests {
    @Test("does not write again what was deleted: what comes behind it is another recording")
    func deleted() async throws {
        let desk = try Desk()
        let life = try await desk.recorded()
        let name = try #require(RecordingName(parsing: "\(desk.stream)/100"))
        #expect(try await desk.catalogue.delete(name, isLive: true))
        life.publish(.seconds(3))
        life.end()
        try await eventually("it is whole") { desk.table.streams.isEmpty }
        #expect(try await desk.listed(100) == 0)
        try await desk.holds(only: 103)
        #expect(desk.heard.last == .done)
    }

    @Test("keeps what waits of a stream that is over, where its recording is deleted: that is another recording")
    func deletedBehind() async throws {
        let desk = try Desk()
        let life = try await desk.recorded()
        desk.gate.refuse(".m3u8")
        life.publish(.seconds(3))
        life.end()
        try await eventually("media is there that nothing lists") {
            try await desk.media().count >= 6
        }
        // By a node that does not know that somebody still writes.
        let name = try #require(RecordingName(parsing: "\(desk.stream)/100"))
        #expect(try await desk.besides.delete(name, isLive: false))
        desk.gate.refuse(nil)
        try await eventually("it is whole") { desk.table.streams.isEmpty }
        try await desk.holds(only: 103)
        #expect(desk.gate.violations == [])
    }

    @Test("lists nothing that went with a recording, also where it is not known to have been listed")
    func lostAnswer() async throws {
        let desk = try Desk()
        let life = try await desk.recorded()
        // A playlist is written, and nobody hears of it.
        desk.gate.loseAnswer(to: desk.media(100))
        life.publish(.seconds(1))
        try await eventually("the answer is lost") { !desk.gate.isOpen }
        #expect(try await desk.listed(100) == 4)
        let name = try #require(RecordingName(parsing: "\(desk.stream)/100"))
        #expect(try await desk.besides.delete(name, isLive: true))
        desk.gate.open()
        try await eventually("it is found out") { desk.heard.last == .stored(103) }
        life.publish(.seconds(2))
        life.end()
        try await eventually("it is whole") { desk.table.streams.isEmpty }
        try await desk.holds(only: 104)
        #expect(desk.gate.violations == [])
    }

    @Test("leaves as it is what somebody else has ended: what comes behind it is another recording")
    func endedElsewhere() async throws {
        let desk = try Desk()
        let life = try await desk.recorded()
        let name = try #require(RecordingName(parsing: "\(desk.stream)/100"))
        try await desk.besides.finish(name)
        life.publish(.seconds(3))
        life.end()
        try await eventually("it is whole") { desk.table.streams.isEmpty }
        let first = try await desk.playlist(100)
        #expect(first.isEnded && first.segments.count == 3)
        let second = try await desk.playlist(103)
        #expect(second.isEnded && second.segments.first?.msn == 103 && second.segments.count >= 3)
        #expect(try await desk.missing(in: second) == [])
        #expect(try await desk.catalogue.page().recordings.map(\.name.number) == [100, 103])
    }

    @Test("goes on with no recording of which a rendition is ended already")
    func halfEnded() async throws {
        let desk = try Desk()
        var playlist = desk.former()
        try await desk.write(desk.media(97), String(decoding: playlist.text, as: UTF8.self))
        playlist.isEnded = true
        try await desk.write("\(desk.stream)/low/97.m3u8", String(decoding: playlist.text, as: UTF8.self))
        try await desk.write("\(desk.stream)/index.m3u8", "#EXTM3U\nmain/97.m3u8\nlow/97.m3u8\n")
        let life = RecordedLife(of: desk.stream, in: desk.term(2), from: 100)
        desk.record(life)
        life.publish(.milliseconds(2050))
        life.end()
        try await eventually("it is whole") { desk.table.streams.isEmpty }
        let former = try await desk.playlist(97)
        #expect(former.isEnded && former.segments.count == 3)
        #expect(try await desk.playlist(100).segments.count >= 2)
    }

    @Test("goes on with no recording that is being deleted: what it names goes with it")
    func beingDeleted() async throws {
        let desk = try Desk()
        try await desk.write(desk.media(97), String(decoding: desk.former().text, as: UTF8.self))
        try await desk.write("\(desk.stream)/index.m3u8", "#EXTM3U\nmain/97.m3u8\n")
        try await desk.write("recordings/\(desk.stream)/97.deleted", "rendition main\nterm \(desk.term(1)) 97 99\n")
        let life = RecordedLife(of: desk.stream, in: desk.term(2), from: 100)
        desk.record(life)
        life.publish(.milliseconds(2050))
        life.end()
        try await eventually("it is whole") { desk.table.streams.isEmpty }
        #expect(try await desk.listed(97) == 3)
        #expect(try await desk.playlist(100).segments.count >= 2)
        #expect(try await desk.text(100).contains("\n# millrace-last\n"), "it is over")
    }
}

extension Desk {
    /// What a gateway in the first term has written before it died: numbers 97 to 99.
    fileprivate func former() -> StoredPlaylist {
        var playlist = StoredPlaylist()
        for msn in 97...99 as ClosedRange<UInt64> {
            playlist.append(
                StoredSegment(
                    msn: msn, term: term(1), initSection: InitSectionName(term: term(1), number: 0),
                    duration: .seconds(1), programDateTime: StoreServers.wall()))
        }
        return playlist
    }

    /// A life whose recording, number 100, lists three segments already.
    fileprivate func recorded() async throws -> RecordedLife {
        let life = RecordedLife(of: stream, in: term(1), from: 100)
        record(life)
        life.publish(.milliseconds(3050))
        try await eventually("it is a recording") {
            try await catalogue.page().recordings.first?.segments ?? 0 >= 3
        }
        return life
    }

    /// One recording is left, whole, and has all that it lists.
    fileprivate func holds(only number: UInt64) async throws {
        let left = try await catalogue.page().recordings
        #expect(left.map(\.name.number) == [number] && left.allSatisfy(\.isWhole))
        #expect(try await missing(in: playlist(number)) == [])
    }
}
