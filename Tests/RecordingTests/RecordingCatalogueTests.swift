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

@Suite("A catalogue of recordings")
struct RecordingCatalogueTests {
    @Test("lists what a store has, page by page, and by stream")
    func lists() async throws {
        let shelf = try Shelf()
        for name in ["live/a", "live/ab", "tv/b/c"] {
            for number in [100, 900] as [UInt64] { try await shelf.put(name, number, segments: 3) }
        }
        var (found, mark): ([RecordingStatus], String?) = ([], nil)
        repeat {
            let page = try await shelf.catalogue.page(after: mark, limit: 4)
            found += page.recordings
            mark = page.next
        } while mark != nil
        #expect(
            found.map(\.name.description) == [
                "live/a/100", "live/a/900", "live/ab/100", "live/ab/900", "tv/b/c/100", "tv/b/c/900",
            ])
        #expect(found.allSatisfy { $0.isWhole && $0.duration == .seconds(6) && $0.segments == 3 })
        let ofOne = try await shelf.catalogue.page(of: try StreamID(parsing: "live/a")).recordings
        #expect(ofOne.map(\.name.number) == [100, 900])
    }

    @Test("deletes the entry first, then playlists, then media, and leaves other recordings of the stream alone")
    func deletes() async throws {
        let shelf = try Shelf()
        try await shelf.put("live/a", 100, segments: 5)
        try await shelf.put("live/a", 105, segments: 5)
        let before = shelf.deletions
        #expect(try await shelf.delete("live/a", 100))
        let order = shelf.deletions.dropFirst(before.count)
        #expect(order.prefix(2) == ["recordings/live/a/100.m3u8", "live/a/main/100.m3u8"])
        #expect(order.last == "recordings/live/a/100.deleted")
        let left = try await shelf.keys("live/a/")
        #expect(left.count { $0.hasSuffix(".m4s") } == 5 && left.contains { $0.hasSuffix("init-0.mp4") })
        #expect(left.contains("live/a/index.m3u8"))
        #expect(try await shelf.delete("live/a", 105))
        #expect(try await shelf.keys("").isEmpty)
        #expect(try await shelf.delete("live/a", 105) == false)
    }

    @Test("deletes the parts that a killed node has left, and leaves those of the next recording alone")
    func leftParts() async throws {
        let shelf = try Shelf()
        let term = Term(number: 0x20, salt: 1)
        try await shelf.put("live/a", 100, segments: 5, in: term)
        try await shelf.put("live/a", 105, segments: 2, in: term)
        let names = ["100.0", "104.11", "105.0"].map { "live/a/main/\(term)/\($0).m4s" }
        for name in names { try await shelf.write(name, "part") }
        #expect(try await shelf.delete("live/a", 100))
        let left = try await shelf.keys("live/a/main/\(term)/").map { $0.split(separator: "/").last ?? "" }
        #expect(left == ["105.0.m4s", "105.m4s", "106.m4s", "init-0.mp4"])
        #expect(try await shelf.delete("live/a", 105))
        #expect(try await shelf.keys("").isEmpty)
    }

    @Test("deletes parts also in a term of which a recording has init sections only, and behind its last segment")
    func partsOfOtherTerms() async throws {
        let shelf = try Shelf()
        let (first, second) = (Term(number: 0x19, salt: 1), Term(number: 0x20, salt: 1))
        try await shelf.put("live/a", 100, segments: 5, in: second, firstInitSection: first)
        for name in ["\(first)/init-0.mp4", "\(first)/100.0.m4s", "\(first)/104.1.m4s", "\(second)/105.0.m4s"] {
            try await shelf.write("live/a/main/\(name)", "left")
        }
        #expect(try await shelf.delete("live/a", 100))
        #expect(try await shelf.keys("").isEmpty)
    }

    @Test("keeps for an hour what may still be listed where it can not be read that a recording is over")
    func unreadableEnd() async throws {
        let shelf = try Shelf()
        try await shelf.put("live/a", 100, segments: 3)
        try await shelf.segment("live/a", 103)
        // The next writes in a term of which this one says nothing.
        try await shelf.put("live/a", 200, segments: 2, in: Term(number: 0x20, salt: 1))
        let text = try await shelf.text("live/a/main/100.m3u8")
        try await shelf.write("live/a/main/100.m3u8", text + "#EXTINF:nonsense\n")
        #expect(try await shelf.delete("live/a", 100))
        #expect(try await shelf.media("live/a") == ["103.m4s", "init-0.mp4"])
        let keeper = shelf.keeper(retention: [:])
        try await keeper.sweep()
        #expect(try await shelf.media("live/a") == ["103.m4s", "init-0.mp4"])
        shelf.advance(by: .seconds(3700))
        try await keeper.sweep()
        #expect(try await shelf.media("live/a").isEmpty)
        #expect(try await shelf.keys("recordings/") == ["recordings/live/a/200.m3u8"])
    }

    @Test("leaves what the next recording has stored alone, which nothing lists yet")
    func rollover() async throws {
        let shelf = try Shelf()
        try await shelf.put("live/a", 100, segments: 5)
        try await shelf.segment("live/a", 105)
        let live = try StreamID(parsing: "live/a")
        #expect(try await shelf.delete("live/a", 100, isLive: true))
        #expect(try await shelf.catalogue.page().recordings.isEmpty)
        #expect(try await shelf.media("live/a") == ["105.m4s", "init-0.mp4"])
        // The next recording is listed now, and its own.
        try await shelf.put("live/a", 105, segments: 2)
        try await shelf.keeper(retention: [:], live: [live]).sweep()
        #expect(try await shelf.media("live/a") == ["105.m4s", "106.m4s", "init-0.mp4"])
        #expect(try await shelf.keys("recordings/") == ["recordings/live/a/105.m3u8"])
        #expect(try await shelf.keys("live/a/index").count == 1)
        #expect(try await shelf.delete("live/a", 105))
        #expect(try await shelf.keys("").isEmpty)
    }

    @Test(
        "leaves nothing open of a stream that is always live, and keeps the init sections that the next recording names"
    )
    func alwaysLive() async throws {
        let shelf = try Shelf()
        let live = try StreamID(parsing: "live/a")
        let (first, second) = (Term(number: 0x19, salt: 1), Term(number: 0x20, salt: 1))
        try await shelf.put("live/a", 100, segments: 5)
        try await shelf.put("live/a", 105, segments: 5, in: second)
        #expect(try await shelf.delete("live/a", 100, isLive: true))
        #expect(try await shelf.keys("live/a/main/\(first)/").isEmpty)
        #expect(try await shelf.keys("recordings/") == ["recordings/live/a/105.m3u8"])
        // The first of the next was begun in the term before, as one is that a takeover cut off.
        try await shelf.put("live/a", 110, segments: 5, in: Term(number: 0x21, salt: 1), firstInitSection: second)
        #expect(try await shelf.delete("live/a", 105, isLive: true))
        #expect(try await shelf.keys("live/a/main/\(second)/") == ["live/a/main/\(second)/init-0.mp4"])
        #expect(try await shelf.keys("recordings/") == ["recordings/live/a/110.m3u8"])
        try await shelf.keeper(retention: [:], live: [live]).sweep()
        #expect(try await shelf.keys("live/a/main/\(second)/").count == 1)
        #expect(try await shelf.delete("live/a", 110))
        #expect(try await shelf.keys("").isEmpty)
    }

    @Test("leaves what the next recording may need alone also where nobody here knows that the stream is live")
    func unknowing() async throws {
        let shelf = try Shelf()
        // It had become long.
        try await shelf.put("live/a", 100, segments: 5, isLast: false)
        #expect(try await shelf.delete("live/a", 100))
        #expect(try await shelf.media("live/a") == ["init-0.mp4"])
        try await shelf.segment("live/a", 105)
        let keeper = shelf.keeper(retention: [:])
        try await keeper.sweep()
        #expect(try await shelf.media("live/a") == ["105.m4s", "init-0.mp4"])
        try await shelf.put("live/a", 105, segments: 2)
        try await keeper.sweep()
        #expect(try await shelf.media("live/a") == ["105.m4s", "106.m4s", "init-0.mp4"])
        #expect(try await shelf.keys("recordings/") == ["recordings/live/a/105.m3u8"])
    }

    @Test("keeps for an hour what may be listed in a term that the next recording does not name")
    func formerTerm() async throws {
        let shelf = try Shelf()
        let (live, first) = (try StreamID(parsing: "live/a"), Term(number: 0x19, salt: 1))
        try await shelf.put("live/a", 100, segments: 5, isEnded: false)
        try await shelf.segment("live/a", 105)
        try await shelf.put("live/a", 200, segments: 3, in: Term(number: 0x20, salt: 1))
        #expect(try await shelf.delete("live/a", 100, isLive: true))
        #expect(try await shelf.media("live/a") == ["105.m4s", "init-0.mp4"])
        let keeper = shelf.keeper(retention: [:], live: [live])
        try await keeper.sweep()
        let before = shelf.operations
        for _ in 0..<10 { try await keeper.sweep() }
        #expect(shelf.operations == before + 10, "a listing each")
        shelf.advance(by: .seconds(3700))
        try await keeper.sweep()
        #expect(try await shelf.keys("live/a/main/\(first)/").isEmpty)
        #expect(try await shelf.keys("recordings/") == ["recordings/live/a/200.m3u8"])
    }

    @Test("removes what a crash left behind a recording once its stream is over")
    func unlisted() async throws {
        let shelf = try Shelf()
        try await shelf.put("live/a", 100, segments: 5)
        try await shelf.segment("live/a", 105)
        let live = try StreamID(parsing: "live/a")
        #expect(try await shelf.delete("live/a", 100, isLive: true))
        try await shelf.keeper(retention: [:], live: [live]).sweep()
        #expect(try await shelf.media("live/a") == ["105.m4s", "init-0.mp4"])
        try await shelf.keeper(retention: [:]).sweep()
        #expect(try await shelf.keys("").isEmpty)
    }

    @Test("keeps for an hour what may still be listed of a recording that was not ended, and asks nothing meanwhile")
    func open() async throws {
        let shelf = try Shelf()
        try await shelf.put("live/a", 100, segments: 5, isEnded: false)
        try await shelf.segment("live/a", 105)
        #expect(try await shelf.delete("live/a", 100))
        #expect(try await shelf.media("live/a") == ["105.m4s", "init-0.mp4"])
        #expect(try await shelf.catalogue.page().recordings.isEmpty)
        let keeper = shelf.keeper(retention: [:])
        try await keeper.sweep()
        let before = shelf.operations
        for _ in 0..<10 { try await keeper.sweep() }
        #expect(shelf.operations == before + 10, "a listing each")
        shelf.advance(by: .seconds(3500))
        try await keeper.sweep()
        #expect(try await shelf.media("live/a") == ["105.m4s", "init-0.mp4"])
        shelf.advance(by: .seconds(200))
        try await keeper.sweep()
        #expect(try await shelf.keys("").isEmpty)
    }

    @Test("asks nothing more of a deletion that waits for a stream that is always live, until that is recorded or over")
    func waits() async throws {
        let shelf = try Shelf()
        let live = try StreamID(parsing: "live/a")
        try await shelf.put("live/a", 100, segments: 5)
        #expect(try await shelf.delete("live/a", 100, isLive: true))
        let keeper = shelf.keeper(retention: [:], live: [live])
        try await keeper.sweep()
        let before = shelf.operations
        for _ in 0..<10 { try await keeper.sweep() }
        #expect(shelf.operations == before + 10, "a listing each")
        #expect(try await shelf.media("live/a") == ["init-0.mp4"])
        try await shelf.put("live/a", 105, segments: 2)
        try await keeper.sweep()
        #expect(try await shelf.keys("recordings/") == ["recordings/live/a/105.m3u8"])
    }

    @Test(
        "keeps what viewers of a live stream can go back to, however short recordings are kept",
        arguments: [false, true])
    func reach(isLive: Bool) async throws {
        let shelf = try Shelf()
        try await shelf.put("live/a", 100, segments: 5)
        try await shelf.put("live/a", 105, segments: 5, isEnded: false)
        // A minute behind the end of the first.
        shelf.set(WallTime(milliseconds: 1_600_000_000_000 + 105 * 2000 + 60_000))
        let live: Set<StreamID> = isLive ? [try StreamID(parsing: "live/a")] : []
        let keeper = shelf.keeper(retention: ["live": .seconds(10)], live: live, reach: .seconds(120))
        try await keeper.sweep()
        let left = try await shelf.catalogue.page().recordings.map(\.name.number)
        #expect(left.contains(100) == isLive)
        shelf.advance(by: .seconds(61))
        try await keeper.sweep()
        #expect(try await !shelf.catalogue.page().recordings.map(\.name.number).contains(100))
    }

    @Test("makes a deletion whole that was cut off anywhere, on a node that knew the recording", arguments: 0..<14)
    func cutOff(after count: Int) async throws {
        let shelf = try Shelf()
        try await shelf.put("live/a", 100, segments: 8)
        let other = RecordingCatalogue(shelf.store)
        #expect(try await other.page().recordings.count == 1)
        shelf.allow(deletions: count)
        let isWhole = (try? await shelf.delete("live/a", 100)) ?? false
        let keys = try await shelf.keys("")
        if !isWhole {
            // No playlist lists what is gone, and nobody lists what is half gone.
            #expect(keys.count { $0.hasSuffix(".m4s") } == 8 || !keys.contains("live/a/main/100.m3u8"))
            #expect(try await other.page().recordings.isEmpty)
            #expect(try await shelf.catalogue.page().recordings.isEmpty)
        }
        shelf.allow(deletions: .max)
        try await shelf.keeper(retention: [:], catalogue: other).sweep()
        #expect(try await shelf.keys("").isEmpty)
    }

    @Test("deletes what is damaged", arguments: ["nonsense", "#EXTM3U\n#EXTINF:2.0\n", ""])
    func damaged(text: String) async throws {
        let shelf = try Shelf()
        try await shelf.put("live/a", 100, segments: 3)
        try await shelf.put("live/a", 103, segments: 2)
        try await shelf.write("live/a/main/100.m3u8", text)
        #expect(try await shelf.delete("live/a", 100, isLive: true))
        #expect(try await shelf.media("live/a") == ["103.m4s", "104.m4s", "init-0.mp4"])
        try await shelf.write("live/a/main/103.m3u8", text)
        try await shelf.write("recordings/live/a/103.m3u8", text)
        await #expect(throws: StoreFailure.self) { try await shelf.delete("live/a", 103, isLive: true) }
        #expect(try await shelf.delete("live/a", 103))
        #expect(try await shelf.media("live/a") == ["init-0.mp4"], "nothing says that its recorder has no more")
        let keeper = shelf.keeper(retention: [:])
        try await keeper.sweep()
        shelf.advance(by: .seconds(3700))
        try await keeper.sweep()
        #expect(try await shelf.keys("").isEmpty)
    }

    @Test("is swept without reading again what does not change")
    func quietSweep() async throws {
        let shelf = try Shelf()
        for number in UInt64(100)..<120 { try await shelf.put("live/a", number * 10, segments: 3) }
        let keeper = shelf.keeper(retention: [:])
        try await keeper.sweep()
        // Its newest recording: the entry and a playlist.
        #expect(shelf.reads == 2)
        try await keeper.sweep()
        #expect(shelf.reads == 2)
    }

    @Test("ends what nobody goes on with, and deletes what is old")
    func keeps() async throws {
        let shelf = try Shelf()
        try await shelf.put("live/open", 100, segments: 3, isEnded: false)
        try await shelf.put("live/busy", 100, segments: 3, isEnded: false)
        try await shelf.put("tv/old", 100, segments: 3)
        let busy = try StreamID(parsing: "live/busy")
        try await shelf.keeper(retention: ["tv": .seconds(60)], live: [busy]).sweep()
        let left = try await shelf.catalogue.page().recordings
        #expect(left.map(\.name.description) == ["live/busy/100", "live/open/100"])
        #expect(left.map(\.isWhole) == [false, true])
        #expect(try await shelf.keys("tv/").isEmpty)
    }

    @Test("lists, ends and deletes the others where one can not be read")
    func unreadable() async throws {
        let shelf = try Shelf()
        for name in ["live/a", "live/b", "tv/c"] { try await shelf.put(name, 100, segments: 3) }
        try await shelf.put("live/d", 100, segments: 3, isEnded: false)
        try await shelf.write("live/a/main/100.m3u8", "nonsense")
        let names = try await shelf.catalogue.page().recordings.map(\.name.description)
        #expect(names == ["live/b/100", "live/d/100", "tv/c/100"])
        try await shelf.keeper(retention: ["tv": .seconds(60)]).sweep()
        let left = try await shelf.catalogue.page().recordings
        #expect(left.map(\.name.description) == ["live/b/100", "live/d/100"] && left.allSatisfy(\.isWhole))
    }

    @Test(
        "gives those who go back all recordings that follow one another, reads old ones once, and forgets deleted ones")
    func archive() async throws {
        let shelf = try Shelf()
        for number in stride(from: 100, to: 130, by: 3) as StrideTo<UInt64> {
            try await shelf.put("live/a", number, segments: 3, isEnded: number < 127)
        }
        let (archive, stream) = (RecordingArchive(shelf.store), try StreamID(parsing: "live/a"))
        func firsts(_ reach: Duration) async throws -> [UInt64] {
            try await archive.playlists(of: stream, .main, reach: reach).compactMap(\.segments.first?.msn)
        }
        #expect(try await firsts(.seconds(3600)) == Array(stride(from: 100, to: 130, by: 3)))
        #expect(try await firsts(.seconds(7)) == [124, 127])
        let reads = shelf.reads
        #expect(try await firsts(.seconds(3600)).count == 10)
        #expect(shelf.reads == reads + 2, "the index and the newest")
        #expect(try await shelf.delete("live/a", 106))
        #expect(try await firsts(.seconds(3600)) == Array(stride(from: 109, to: 130, by: 3)))
    }

    @Test("is exported as its init section and its segments, a file for each timeline")
    func exports() async throws {
        let shelf = try Shelf()
        try await shelf.put("live/a", 100, segments: 4, discontinuities: [102], gaps: [101])
        var files: [Int: String] = [:]
        let export = RecordingExport(try shelf.name("live/a", 100), rendition: .main, from: shelf.catalogue)
        let summary = try await export.run { files[$0, default: ""] += String(decoding: $1, as: UTF8.self) }
        #expect(files == [0: "init|100|", 1: "init|102|103|"])
        #expect(summary?.segments == 3 && summary?.gaps == 1)
        let none = RecordingExport(try shelf.name("live/a", 7), rendition: .main, from: shelf.catalogue)
        #expect(try await none.run { _, _ in } == nil)
    }
}
