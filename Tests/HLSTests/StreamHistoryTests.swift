// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Testing

@Suite("What is known of a stream's past")
struct StreamHistoryTests {
    private typealias Stored = StoredPlaylistTests

    /// Segments of two seconds, by their numbers.
    private static func playlist(_ numbers: ClosedRange<UInt64>, gaps: Set<UInt64> = []) -> StoredPlaylist {
        StoredPlaylist(numbers.map { Stored.segment($0, isGap: gaps.contains($0)) })
    }

    /// A history that has learnt, with room for all.
    private static func history(_ playlists: StoredPlaylist...) -> StreamHistory {
        var history = StreamHistory()
        history.learn(playlists, reach: .seconds(3600))
        return history
    }

    @Test("is the last stretch without a hole of all recordings")
    func stretches() {
        let whole = Self.history(Self.playlist(100...104), Self.playlist(105...109))
        #expect(whole.numbers == 100...109 && whole.confirmed == 109 && !whole.isCut)
        #expect(Self.history(Self.playlist(100...104), Self.playlist(106...109)).numbers == 106...109)
        #expect(Self.history().numbers == nil && Self.history(StoredPlaylist()).confirmed == nil)
    }

    @Test("has what is of use and no more")
    func reach() {
        var history = StreamHistory()
        history.learn([Self.playlist(100...199)], reach: .seconds(20))
        #expect(history.numbers == 190...199)
    }

    @Test("goes on with what is seen here, and believes the store in what both know")
    func seen() {
        var history = Self.history(Self.playlist(100...104))
        history.see((103...107).map { Stored.segment($0) })
        #expect(history.numbers == 100...107 && history.confirmed == 104)
        history.learn([Self.playlist(100...106, gaps: [105])], reach: .seconds(3600))
        #expect(history.numbers == 100...107 && history.confirmed == 106)
        #expect(history.segments.filter(\.isGap).map(\.msn) == [105])
        // What was read before that is no news.
        history.learn([Self.playlist(100...103)], reach: .seconds(3600))
        #expect(history.numbers == 100...107 && history.confirmed == 106)
    }

    @Test("begins anew behind a hole, until the store fills it")
    func holes() {
        var history = Self.history(Self.playlist(100...104))
        history.see([Stored.segment(110), Stored.segment(111)])
        #expect(history.numbers == 110...111 && history.confirmed == nil)
        history.learn([Self.playlist(100...108)], reach: .seconds(3600))
        #expect(history.numbers == 110...111 && history.confirmed == nil, "the hole is still there")
        history.learn([Self.playlist(100...110)], reach: .seconds(3600))
        #expect(history.numbers == 100...111 && history.confirmed == 110)
    }

    @Test("never begins before what was given, however much is learnt later")
    func floors() {
        var history = StreamHistory()
        history.see((110...114).map { Stored.segment($0) })
        history.begin(at: 112)
        #expect(history.numbers == 112...114)
        history.learn([Self.playlist(100...113)], reach: .seconds(3600))
        #expect(history.numbers == 112...114 && history.confirmed == 113 && history.isCut)
        history.begin(at: 90)
        #expect(history.numbers == 112...114)
        history.learn([Self.playlist(100...199)], reach: .seconds(20))
        #expect(history.numbers == 190...199 && !history.isCut)
        history.begin(at: 300)
        #expect(history.numbers == nil && history.confirmed == nil)
    }

    @Test("is as others know it, though begun before the store answered, where the store begins there too")
    func wholeFloors() {
        for older in [[], [Self.playlist(90...100)]] {
            var history = StreamHistory()
            history.see((110...114).map { Stored.segment($0) })
            history.begin(at: 110)
            #expect(history.isCut)
            history.learn(older + [Self.playlist(110...113)], reach: .seconds(3600))
            #expect(history.numbers == 110...114 && !history.isCut)
            history.begin(at: 111)
            #expect(history.isCut)
        }
    }

    @Test("grows no longer than is of use while the store says nothing new")
    func trims() {
        var history = Self.history(Self.playlist(100...104))
        for msn in 105...400 as ClosedRange<UInt64> {
            history.see([Stored.segment(msn)])
            history.trim(to: .seconds(20))
            #expect(history.segments.count <= 10)
        }
        #expect(history.numbers == 391...400 && history.confirmed == nil)
        history.trim(to: .seconds(3600))
        #expect(history.numbers == 391...400)
    }

    @Test("knows the names of its media, and no others")
    func names() {
        let history = Self.history(Self.playlist(100...104, gaps: [102]))
        let other = Term(number: 0x1a3, salt: 1)
        #expect(history.names(101, term: Stored.term) && !history.names(101, term: other))
        #expect(!history.names(102, term: Stored.term) && !history.names(99, term: Stored.term))
        #expect(history.contains(102) && !history.contains(105) && !history.contains(.max))
        #expect(history.names(InitSectionName(term: Stored.term, number: 0)))
        #expect(!history.names(InitSectionName(term: Stored.term, number: 1)))
    }
}
