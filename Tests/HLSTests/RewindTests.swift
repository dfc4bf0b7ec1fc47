// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Testing

@Suite("A playlist that reaches back")
struct RewindTests {
    @Test("obeys the rules after every part, and ends as the one of the window", arguments: 0..<12 as Range<UInt64>)
    func rules(seed: UInt64) throws {
        let script = seed.isMultiple(of: 3) ? FeedScript.random(seed: seed, partTarget: nil) : .any(seed: seed)
        var world = RewoundFeed(lag: Int(seed % 4))
        var lint = PlaylistLint()
        var reachedBack = 0
        for entry in script.entries {
            world.play(entry)
            guard FeedScript.isMark(entry), let key = world.window.currentKey else { continue }
            let full = PlaylistLines(try #require(world.text(key)))
            let faults = lint.faults(full: full, delta: PlaylistLines(try #require(world.text(key, isDelta: true))))
            #expect(faults.isEmpty, "seed \(seed), \(key): \(full.lines.joined(separator: "\n"))")
            let window = PlaylistLines(try #require(MediaPlaylist(of: world.window, rendition: .main, at: key)).text)
            let end = window.lines.drop { !$0.hasPrefix("#EXT-X-PROGRAM-DATE-TIME") }
            #expect(full.lines.suffix(end.count) == end, "seed \(seed), \(key)")
            reachedBack += full.count("EXTINF") > window.count("EXTINF") ? 1 : 0
        }
        #expect(reachedBack > 20, "seed \(seed)")
    }

    @Test(
        "is the same at a node that joined late and knows the past from the store alone",
        arguments: 0..<8 as Range<UInt64>)
    func lateJoin(seed: UInt64) throws {
        let script = FeedScript.any(seed: seed)
        var world = RewoundFeed(lag: 2)
        for entry in script.entries { world.play(entry) }
        let key = try #require(world.window.currentKey)
        let (full, delta) = (try #require(world.text(key)), try #require(world.text(key, isDelta: true)))
        var joined = 0
        for start in script.starts {
            let window = script.window(from: start)
            guard window.currentKey == key else { continue }
            var late = RewoundFeed(lag: 2, window: window, stored: world.stored)
            late.learn()
            joined += 1
            #expect(late.text(key) == full && late.text(key, isDelta: true) == delta, "seed \(seed), from \(start)")
        }
        #expect(joined >= 10, "seed \(seed)")
    }

    @Test("reaches as far as it may and not a segment further")
    func reach() throws {
        var script = FeedScript()
        script.segments(60)
        var world = RewoundFeed(lag: 1, reach: .seconds(60))
        for entry in script.entries { world.play(entry) }
        let key = try #require(world.window.currentKey)
        let full = PlaylistLines(try #require(world.text(key)))
        // Segments have 4 parts of 480 ms: 32 of them last over a minute, 31 do not.
        #expect(full.count("EXTINF") == 32 && full.number("EXT-X-MEDIA-SEQUENCE") == 128)
        #expect(full.count("EXT-X-PLAYLIST-TYPE") == 0 && full.count("EXT-X-MAP") == 1)
        let delta = PlaylistLines(try #require(world.text(key, isDelta: true)))
        let skipped = try #require(delta.lines.first { $0.hasPrefix("#EXT-X-SKIP") })
        // Six target durations are 12 s, in which seven segments begin.
        #expect(PlaylistLines.attribute("SKIPPED-SEGMENTS", skipped) == "25")
        #expect(delta.count("EXT-X-MAP") == 0)
    }

    @Test("lists the store's gaps as gaps, and a segment that is still in the window as there")
    func gaps() throws {
        var script = FeedScript()
        script.segments(30)
        var world = RewoundFeed(lag: 1, lost: [103, 125])
        for entry in script.entries { world.play(entry) }
        let key = try #require(world.window.currentKey)
        let full = PlaylistLines(try #require(world.text(key)))
        let gaps = full.lines.indices.filter { full.lines[$0] == "#EXT-X-GAP" }
        #expect(gaps.map { full.lines[$0 + 2] } == ["\(script.term)/103.m4s"])
    }

    @Test("counts discontinuities back to its first segment, and begins no earlier than the stream")
    func discontinuities() throws {
        var script = FeedScript()
        for index in 0..<30 { script.segment(isDiscontinuity: [4, 9, 24].contains(index)) }
        var world = RewoundFeed(lag: 1)
        for entry in script.entries { world.play(entry) }
        let key = try #require(world.window.currentKey)
        let full = PlaylistLines(try #require(world.text(key)))
        #expect(full.number("EXT-X-DISCONTINUITY-SEQUENCE") == 0 && full.number("EXT-X-MEDIA-SEQUENCE") == 100)
        #expect(full.lines.count { $0 == "#EXT-X-DISCONTINUITY" } == 3)
        // What the store says to be before the stream began was another's, and so its numbers do not count.
        var late = RewoundFeed(lag: 1, window: script.window(from: script.starts[15]), stored: StoredPlaylist())
        for msn in 95...99 as ClosedRange<UInt64> { late.stored.append(StoredPlaylistTests.segment(msn)) }
        for segment in world.stored.segments {
            var segment = segment
            segment.isDiscontinuity = segment.isDiscontinuity || segment.msn == 100
            late.stored.append(segment)
        }
        late.learn()
        #expect(late.text(key).map { PlaylistLines($0).lines } == full.lines)
    }

    @Test("is VOD when the stream is over, as it never changes again")
    func end() throws {
        var script = FeedScript()
        script.segments(30)
        script.append(.end(.publisherGone))
        var world = RewoundFeed(lag: 1)
        for entry in script.entries { world.play(entry) }
        let key = try #require(world.window.currentKey)
        let full = PlaylistLines(try #require(world.text(key)))
        #expect(full.lines.last == "#EXT-X-ENDLIST" && full.lines.contains("#EXT-X-PLAYLIST-TYPE:VOD"))
        #expect(full.count("EXTINF") == 30)
        #expect(world.text(key, isDelta: true) == world.text(key))
    }

    @Test("names old media at the CDN while the newest segment is there, or where it always is")
    func bases() throws {
        var script = FeedScript()
        script.segments(20)
        script.cdnBase = "https://cdn.example/~s/x?grant=1"
        script.segments(2)
        var world = RewoundFeed(lag: 1)
        for entry in script.entries { world.play(entry) }
        let key = try #require(world.window.currentKey)
        let term = script.term
        let first = PlaylistLines(try #require(world.text(key))).uris.first
        #expect(first == "https://cdn.example/~s/x/live/cam/main/\(term)/100.m4s?grant=1")
        world.base = "https://store.example/bucket"
        let stored = PlaylistLines(try #require(world.text(key))).uris.first
        #expect(stored == "https://store.example/bucket/live/cam/main/\(term)/100.m4s")
    }

    @Test("names in the store only what the store lists, however far that lags")
    func lags() throws {
        var script = FeedScript()
        script.segments(60)
        var world = RewoundFeed(lag: 15)
        world.base = "https://store.example"
        for entry in script.entries { world.play(entry) }
        let last = try #require(world.stored.last)
        let key = try #require(world.window.currentKey)
        let uris = PlaylistLines(try #require(world.text(key))).uris
        let stored = uris.filter { $0.hasPrefix("https://store.example/") }
        #expect(stored.first?.hasSuffix("/100.m4s") == true && stored.last?.hasSuffix("/\(last).m4s") == true)
        #expect(uris.contains { $0.hasSuffix("/\(last + 1).m4s") && !$0.hasPrefix("https") })
    }

    @Test("is asked for by a word of the query, which other playlists are then asked with")
    func queries() throws {
        let table: [(String, Bool?)] = [
            ("", nil), ("dvr=1", true), ("dvr=0", false), ("_HLS_msn=7&dvr=1&_HLS_part=2", true), ("dvr=2", nil),
            ("xdvr=1", nil), ("dvr", nil), ("dvr=1&dvr=0", true), ("dvr=11", nil),
        ]
        for (query, wish) in table { #expect(PlaylistQuery.rewinds(Array(query.utf8)[...]) == wish, "\(query)") }
        #expect(try PlaylistQuery(parsing: Array("dvr=1&_HLS_msn=7".utf8)[...]) == PlaylistQuery(msn: 7))
        var script = FeedScript(tracks: [FeedScript.video(), FeedScript.audio(), FeedScript.video(low, id: 3)])
        script.segments(5)
        let window = script.window()
        let text = PlaylistLines(try #require(MultivariantPlaylist(of: window, query: "dvr=1")).text)
        #expect(text.uris.filter { !$0.hasPrefix("#") } == ["main/media.m3u8?dvr=1", "low/media.m3u8?dvr=1"])
        let key = try #require(window.currentKey)
        let rewind = Rewind(reach: .seconds(60), query: "dvr=1")
        let media = PlaylistLines(
            try #require(MediaPlaylist(of: window, rendition: .main, at: key, rewind: rewind)).text)
        #expect(media.value("EXT-X-RENDITION-REPORT")?.hasPrefix("URI=\"../low/media.m3u8?dvr=1\",") == true)
    }

    private let low = RenditionName(parsing: "low") ?? .main
}

/// A window, a store that lags behind it, and what is known of the past from both.
struct RewoundFeed {
    var window: MediaWindow
    var stored: StoredPlaylist
    var base: String?
    private var history = StreamHistory()
    private let reach: Duration
    private let lag: Int
    private let lost: Set<UInt64>

    init(
        lag: Int, reach: Duration = .seconds(3600), lost: Set<UInt64> = [],
        window: MediaWindow = MediaWindow(stream: FeedScript.stream), stored: StoredPlaylist = StoredPlaylist()
    ) {
        self.lag = lag
        self.reach = reach
        self.lost = lost
        self.window = window
        self.stored = stored
    }

    mutating func play(_ entry: FeedScript.Entry) {
        FeedScript.play(entry, into: &window)
        guard FeedScript.isMark(entry) else { return }
        for var segment in window.storable(after: stored.last).dropLast(lag) {
            segment.isGap = segment.isGap || lost.contains(segment.msn)
            stored.append(segment)
        }
        learn()
    }

    /// What an edge learns and sees.
    mutating func learn() {
        history.learn([stored], reach: reach + .seconds(60))
        history.see(window.storable(after: history.numbers?.upperBound))
    }

    func text(_ key: PlaylistKey, isDelta: Bool = false) -> [UInt8]? {
        let rewind = Rewind(reach: reach, history: history, base: base)
        return MediaPlaylist(of: window, rendition: .main, at: key, isDelta: isDelta, rewind: rewind)?.text
    }
}
