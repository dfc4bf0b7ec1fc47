// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Media
import TestKit
import Testing

@Suite("A stored playlist")
struct StoredPlaylistTests {
    static let term = Term(number: 0x1a2, salt: 7)
    static let beginning = WallTime(milliseconds: 1_764_000_000_000)

    /// Segments of two seconds from 100 on.
    static func segment(
        _ msn: UInt64, term: Term = term, at seconds: Int64? = nil, isGap: Bool = false
    ) -> StoredSegment {
        let offset = seconds ?? (Int64(msn) - 100) * 2
        return StoredSegment(
            msn: msn, term: term, initSection: InitSectionName(term: term, number: 0), duration: .seconds(2),
            programDateTime: beginning.advanced(by: .seconds(offset)), isGap: isGap)
    }

    static func text(_ playlist: StoredPlaylist) -> String { String(decoding: playlist.text, as: UTF8.self) }

    @Test("says what a player needs and no more")
    func text() {
        var playlist = StoredPlaylist()
        for msn in 100...102 { playlist.append(Self.segment(UInt64(msn), isGap: msn == 101), targetDuration: 2) }
        playlist.isEnded = true
        #expect(
            Self.text(playlist) == """
                #EXTM3U
                #EXT-X-VERSION:6
                #EXT-X-PLAYLIST-TYPE:VOD
                #EXT-X-TARGETDURATION:2
                #EXT-X-MEDIA-SEQUENCE:100
                #EXT-X-MAP:URI="1a2-7/init-0.mp4"
                #EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:00.000Z
                #EXTINF:2.000000,
                1a2-7/100.m4s
                #EXT-X-GAP
                #EXTINF:2.000000,
                1a2-7/101.m4s
                #EXTINF:2.000000,
                1a2-7/102.m4s
                #EXT-X-ENDLIST

                """)
    }

    @Test("grows while its stream lives")
    func event() {
        var playlist = StoredPlaylist([Self.segment(100)])
        let before = Self.text(playlist)
        playlist.append(Self.segment(101))
        #expect(before.contains("#EXT-X-PLAYLIST-TYPE:EVENT\n") && !before.contains("ENDLIST"))
        #expect(Self.text(playlist).hasPrefix(before))
    }

    @Test("names no init section that only gaps would need: it may never be stored")
    func gapsNameNothing() throws {
        let other = Term(number: 0x1a3, salt: 1)
        var playlist = StoredPlaylist([Self.segment(100, isGap: true), Self.segment(101)])
        playlist.append(Self.segment(102, term: other, isGap: true))
        let before = Self.text(playlist)
        let (gap, map) = (before.firstRange(of: "EXT-X-GAP"), before.firstRange(of: "EXT-X-MAP"))
        #expect(try #require(gap).lowerBound < #require(map).lowerBound)
        #expect(!before.contains("1a3-1/init"))
        playlist.append(Self.segment(103, term: other))
        #expect(Self.text(playlist).hasPrefix(before) && Self.text(playlist).contains("1a3-1/init-0.mp4"))
        #expect((try? StoredPlaylist(parsing: playlist.text)) == playlist)
    }

    @Test("lists missing numbers as gaps, and takes no number twice")
    func gaps() {
        var playlist = StoredPlaylist([Self.segment(100)])
        playlist.append(Self.segment(100))
        playlist.append(Self.segment(104))
        #expect(playlist.segments.map(\.msn) == [100, 101, 102, 103, 104])
        #expect(playlist.gapCount == 3 && playlist.duration == .seconds(10))
        #expect(!Self.text(playlist).contains("DISCONTINUITY"))
    }

    @Test("begins a new timeline where a stream begins anew, or nobody knows what was missed")
    func discontinuity() {
        for (msn, isBeginning) in [(90, true), (101, true), (130, true), (4000, false)] as [(UInt64, Bool)] {
            var playlist = StoredPlaylist([Self.segment(100)])
            playlist.append(Self.segment(msn, term: Term(number: 0x1a3, salt: 1)), isBeginning: isBeginning)
            #expect(playlist.segments.map(\.msn) == [100, msn])
            #expect(playlist.segments.last?.isDiscontinuity == true)
            #expect((try? StoredPlaylist(parsing: playlist.text)) == playlist)
            let before = playlist
            playlist.append(Self.segment(msn, term: Term(number: 0x1a3, salt: 1)), isBeginning: isBeginning)
            #expect(playlist == before)
        }
    }

    @Test("is read back as it was written", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let playlist = Self.playlist(using: &random)
        #expect(try StoredPlaylist(parsing: playlist.text) == playlist, "seed \(seed)")
        let marked = Self.text(playlist).replacing("#EXTM3U\n", with: "#EXTM3U\n# millrace-term 1-2\n#EXT-X-NEW:1\n")
        #expect(try StoredPlaylist(parsing: Array(marked.utf8)) == playlist, "seed \(seed)")
        let windows = Self.text(playlist).replacing("\n", with: "\r\n")
        #expect(try StoredPlaylist(parsing: Array(windows.utf8)) == playlist, "seed \(seed)")
    }

    @Test("is read as far as it goes, or refused, wherever it is cut off")
    func truncation() {
        var random = SeededRandom(1)
        let playlist = Self.playlist(using: &random)
        let text = playlist.text
        for end in text.indices {
            guard let part = try? StoredPlaylist(parsing: Array(text[..<end])) else { continue }
            #expect(part.segments.elementsEqual(playlist.segments.prefix(part.segments.count)), "cut at \(end)")
        }
    }

    @Test("does not trip over flipped bits")
    func flips() {
        var random = SeededRandom(2)
        for _ in 0..<2000 {
            var text = Self.playlist(using: &random).text
            for _ in 0..<3 {
                text[Int.random(in: text.indices, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            }
            guard let read = try? StoredPlaylist(parsing: text) else { continue }
            #expect(
                zip(read.segments, read.segments.dropFirst()).allSatisfy { $0.msn < $1.msn || $1.isDiscontinuity })
        }
    }

    @Test(
        "is refused where it is none of ours",
        arguments: [
            "", "#EXTM3", "\n#EXTM3U\n", "#EXTM3U\n1-1/1.m4s\n", "#EXTM3U\n#EXTINF:2.000000,\n", "#EXTM3U\n../x.m4s\n",
            "#EXTM3U\n#EXT-X-MAP:URI=\"../init-0.mp4\"\n", "#EXTM3U\n#EXTINF:+2.000000,\n", "#EXTM3U\n#EXTINF:2,\n",
            "#EXTM3U\n#EXTINF:99999999999999999999.000000,\n", "#EXTM3U\n#EXT-X-TARGETDURATION:99999999999\n",
            "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2025-13-24T16:00:00.000Z\n",
            "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2025-02-29T16:00:00.000Z\n",
        ])
    func refusals(text: String) {
        #expect(throws: StoredPlaylistFailure.self) { try StoredPlaylist(parsing: Array(text.utf8)) }
    }

    /// All that a playlist can say, by chance.
    private static func playlist(using random: inout SeededRandom) -> StoredPlaylist {
        var playlist = StoredPlaylist()
        var msn = UInt64.random(in: 0...2_000_000_000, using: &random)
        var time = WallTime(milliseconds: .random(in: 0...4_000_000_000_000, using: &random))
        var term = Term(number: .random(in: 1...9_000_000_000_000, using: &random), salt: 1)
        for _ in 0..<Int.random(in: 1...30, using: &random) {
            if Int.random(in: 0..<8, using: &random) == 0 { term = Term(number: term.number + 1, salt: 9) }
            if Int.random(in: 0..<8, using: &random) == 0 { time = time.advanced(by: .milliseconds(777)) }
            let section = InitSectionName(term: term, number: .random(in: 0...3, using: &random))
            let segment = StoredSegment(
                msn: msn, term: term, initSection: section,
                duration: .microseconds(Int64.random(in: 1...9_000_000, using: &random)), programDateTime: time,
                isDiscontinuity: Int.random(in: 0..<9, using: &random) == 0,
                isGap: Int.random(in: 0..<9, using: &random) == 0)
            playlist.append(segment)
            (msn, time) = (msn + 1, segment.end)
        }
        playlist.isEnded = Bool.random(using: &random)
        return playlist
    }
}
