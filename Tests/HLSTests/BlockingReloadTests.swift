// SPDX-License-Identifier: Apache-2.0

import Feed
import HLS
import Identity
import Testing

@Suite("A blocking reload")
struct BlockingReloadTests {
    /// Segments 100 to 103 whole, 104 open with parts 0 and 1; parts of half a second.
    static let live = script.window()

    private static let script: FeedScript = {
        var script = FeedScript()
        script.segments(4)
        script.begin()
        script.part(isIndependent: true)
        script.part()
        return script
    }()

    struct Row: Sendable {
        let query: String
        let directive: BlockingReload.Directive

        static func text(_ query: String, _ msn: UInt64, _ part: Int, isDelta: Bool = false) -> Row {
            let key = PlaylistKey(position: PartPosition(msn: msn, part: part))
            return Row(query: query, directive: .playlist(key, isDelta: isDelta, .seconds(12)))
        }

        static func current(_ query: String, isDelta: Bool = false) -> Row {
            let key = PlaylistKey(position: PartPosition(msn: 104, part: 1))
            return Row(query: query, directive: .playlist(key, isDelta: isDelta, .brief))
        }

        static func wait(_ query: String, _ msn: UInt64, _ part: Int) -> Row {
            Row(query: query, directive: .wait(until: PartPosition(msn: msn, part: part), atMost: .seconds(6)))
        }

        static func bad(_ query: String) -> Row { Row(query: query, directive: .refuse(.badRequest)) }
    }

    static let rows: [Row] = [
        // Without directives, the current text.
        .current(""), .current("token=1&x"), .current("_HLS_skip=YES", isDelta: true),
        // Directives that mean nothing.
        .bad("_HLS_part=1"), .bad("_HLS_msn=x"), .bad("_HLS_msn=-1"), .bad("_HLS_msn="), .bad("_HLS_msn"),
        .bad("_HLS_msn=104&_HLS_msn=104"), .bad("_HLS_msn=18446744073709551616"), .bad("_HLS_msn=104&_HLS_part=1.5"),
        .bad("_HLS_skip=YES&_HLS_skip=YES"),
        // There already: the text directly after the part.
        .text("_HLS_msn=104&_HLS_part=1", 104, 1), .text("_HLS_msn=104&_HLS_part=0", 104, 0),
        .text("_HLS_part=0&x=y&_HLS_msn=104&_HLS_skip=v2", 104, 0, isDelta: true),
        .text("_HLS_msn=103", 103, 3), .text("_HLS_msn=103&_HLS_part=3", 103, 3),
        // Behind a segment's last part comes the next one's first.
        .text("_HLS_msn=103&_HLS_part=4", 104, 0), .text("_HLS_msn=103&_HLS_part=9", 104, 0),
        // Old, or never heard of: the current text.
        .current("_HLS_msn=100&_HLS_part=0"), .current("_HLS_msn=7"),
        // Ahead.
        .wait("_HLS_msn=104&_HLS_part=2", 104, 2), .wait("_HLS_msn=104", 104, .max),
        .wait("_HLS_msn=105&_HLS_part=0", 105, 0), .wait("_HLS_msn=105", 105, .max),
        .wait("_HLS_msn=104&_HLS_part=7", 104, 7),
        // Too far ahead: over the last whole segment plus two, over the Advance Part Limit of six.
        .bad("_HLS_msn=106"), .bad("_HLS_msn=18446744073709551615"), .bad("_HLS_msn=104&_HLS_part=8"),
        .bad("_HLS_msn=105&_HLS_part=6"),
    ]

    @Test("answers each row of the table", arguments: rows)
    func table(row: Row) {
        #expect(Self.directive(row.query) == row.directive)
    }

    @Test(
        "waits for what it can not judge while the node is behind its parent",
        arguments: ["_HLS_msn=106", "_HLS_msn=104&_HLS_part=8"])
    func behind(query: String) {
        let directive = Self.directive(query, circumstances: .init(isLevel: false))
        guard case .wait(_, atMost: .seconds(6)) = directive else {
            Issue.record("\(directive)")
            return
        }
    }

    @Test(
        "waits for what is current while the window arrives, but not for a part that is there",
        arguments: ["", "_HLS_skip=YES", "_HLS_msn=100&_HLS_part=0", "_HLS_msn=7"])
    func arriving(query: String) {
        let arriving = BlockingReload.Circumstances(isLevel: false, hasBeenLevel: false)
        let wait = BlockingReload.Directive.wait(until: PartPosition(msn: 104, part: 2), atMost: .seconds(6))
        #expect(Self.directive(query, circumstances: arriving) == wait)
        let multivariant = MediaResource.multivariantPlaylist(isFlat: true)
        #expect(BlockingReload.directive(for: multivariant, window: Self.live, circumstances: arriving) == wait)
        let there = Self.directive("_HLS_msn=104&_HLS_part=0", circumstances: arriving)
        #expect(there == Self.directive("_HLS_msn=104&_HLS_part=0"))
        let late = BlockingReload.Circumstances(isLevel: false, hasBeenLevel: false, hasWaited: true)
        #expect(Self.directive(query, circumstances: late) == .refuse(.unavailable))
    }

    @Test("gives up with 503, or with the unchanged text while the publisher is away")
    func timeout() {
        let query = "_HLS_msn=104&_HLS_part=2"
        let refusal = Self.directive(query, circumstances: .init(hasWaited: true))
        #expect(refusal == .refuse(.unavailable))
        #expect(refusal.cachePolicy == .never)
        let key = PlaylistKey(position: PartPosition(msn: 104, part: 1))
        let unchanged = Self.directive(query, circumstances: .init(isPublisherAbsent: true, hasWaited: true))
        #expect(unchanged == .playlist(key, isDelta: false, .never))
    }

    @Test(
        "ignores directives once the stream is over",
        arguments: ["", "_HLS_part=1", "_HLS_msn=104&_HLS_part=2", "_HLS_msn=900"])
    func ended(query: String) {
        var window = Self.live
        window.goOn(from: FeedPosition(term: Self.script.term, number: UInt64(Self.script.entries.count)))
        window.append(.end(.stopped), at: FeedPosition(term: Term(number: 0x19b, salt: 1), number: 0))
        let key = PlaylistKey(position: PartPosition(msn: 104, part: 1), isEnd: true)
        #expect(Self.directive(query, window: window) == .playlist(key, isDelta: false, .brief))
    }

    @Test("waits for the first playlist, and no longer than set")
    func start() {
        let window = MediaWindow(stream: FeedScript.stream)
        let first = BlockingReload.Directive.wait(until: PartPosition(msn: 0, part: 0), atMost: .seconds(12))
        #expect(Self.directive("", window: window) == first)
        #expect(Self.directive("", window: window, circumstances: .init(hasWaited: true)) == .refuse(.unavailable))
        #expect(BlockingReload.directive(for: .multivariantPlaylist(isFlat: true), window: window) == first)
        #expect(BlockingReload.directiveWithoutWindow(settings: window.settings) == .refuse(.notFound))
        #expect(
            BlockingReload.directiveWithoutWindow(settings: window.settings, circumstances: .init(isLevel: false))
                == first)
    }

    @Test("waits by whole segments where the stream has no parts")
    func withoutParts() {
        var script = FeedScript(partTarget: nil)
        script.segments(3)
        let key = PlaylistKey(position: PartPosition(msn: 102, part: 3))
        let window = script.window()
        #expect(Self.directive("_HLS_msn=102", window: window) == .playlist(key, isDelta: false, .seconds(12)))
        let wait = BlockingReload.Directive.wait(until: PartPosition(msn: 103, part: .max), atMost: .seconds(6))
        #expect(Self.directive("_HLS_msn=103&_HLS_part=0", window: window) == wait)
        #expect(window.reach == PartPosition(msn: 102, part: .max))
    }

    @Test("waits no longer than a client does where segments are long and have no parts")
    func longSegments() {
        var script = FeedScript(partTarget: nil)
        script.targetDuration = 10
        script.segments(3)
        let wait = BlockingReload.Directive.wait(until: PartPosition(msn: 103, part: .max), atMost: .seconds(8))
        #expect(Self.directive("_HLS_msn=103", window: script.window()) == wait)
        let key = PlaylistKey(position: PartPosition(msn: 102, part: 3))
        let unchanged = Self.directive(
            "_HLS_msn=103", window: script.window(), circumstances: .init(hasWaited: true))
        #expect(unchanged == .playlist(key, isDelta: false, .never))
    }

    @Test(
        "waits for the hinted part and for the open segment, and finds nothing else that is not there",
        arguments: [
            ("19a-beef/104.1.m4s", BlockingReload.Directive.part),
            ("19a-beef/104.2.m4s", .wait(until: PartPosition(msn: 104, part: 2), atMost: .seconds(6))),
            ("19a-beef/104.3.m4s", .refuse(.notFound)), ("19a-beef/103.4.m4s", .refuse(.notFound)),
            ("19a-beef/105.0.m4s", .refuse(.notFound)), ("19a-beee/104.0.m4s", .refuse(.notFound)),
            ("19c-beef/104.2.m4s", .refuse(.notFound)), ("19a-beef/99.m4s", .refuse(.notFound)),
            ("19a-beef/103.m4s", .segment),
            ("19a-beef/104.m4s", .wait(until: PartPosition(msn: 104, part: .max), atMost: .seconds(6))),
            ("19a-beef/105.m4s", .refuse(.notFound)), ("19a-beef/init-0.mp4", .initSection),
            ("19a-beef/init-1.mp4", .refuse(.notFound)),
        ])
    func media(name: String, directive: BlockingReload.Directive) throws {
        let path = try MediaPath(parsing: Array("/live/cam/main/\(name)".utf8)[...])
        #expect(BlockingReload.directive(for: path.resource, window: Self.live) == directive)
    }

    @Test(
        "waits for names of terms not heard of while the node is behind its parent",
        arguments: [
            ("19c-beef/105.0.m4s", true), ("19a-beef/106.m4s", true), ("19c-1/init-0.mp4", true),
            ("19a-beee/105.0.m4s", false), ("19a-beef/103.4.m4s", false), ("19a-beef/99.m4s", false),
        ])
    func mediaBehind(name: String, waits: Bool) throws {
        let path = try MediaPath(parsing: Array("/live/cam/main/\(name)".utf8)[...])
        let directive = BlockingReload.directive(
            for: path.resource, window: Self.live, circumstances: .init(isLevel: false))
        if case .wait = directive { #expect(waits) } else { #expect(directive == .refuse(.notFound) && !waits) }
    }

    @Test("wakes who waits for a segment when its last part comes, however it is named")
    func wakes() {
        var script = FeedScript()
        script.segments(3)
        script.begin()
        script.part(isIndependent: true)
        #expect(script.window().reach == PartPosition(msn: 103, part: 0))
        script.part(closes: true)
        #expect(script.window().reach == PartPosition(msn: 103, part: .max))
    }

    @Test("finds no rendition that is not there")
    func rendition() throws {
        let other = try #require(RenditionName(parsing: "other"))
        #expect(BlockingReload.directive(for: .mediaPlaylist(other), window: Self.live) == .refuse(.notFound))
    }

    @Test(
        "says how long each answer is kept",
        arguments: [
            (CachePolicy.brief, "public, max-age=1"), (.immutable, "public, max-age=31536000, immutable"),
            (.never, "no-store"), (.seconds(12), "public, max-age=12"),
        ])
    func cache(policy: CachePolicy, text: String) {
        #expect(policy.headerText == text)
    }

    static func directive(
        _ query: String, window: MediaWindow = live, circumstances: BlockingReload.Circumstances = .init()
    ) -> BlockingReload.Directive {
        BlockingReload.directive(
            for: .mediaPlaylist(.main), query: Array(query.utf8)[...], window: window, circumstances: circumstances)
    }
}
