// SPDX-License-Identifier: Apache-2.0

import Bytes
import Swarm
import Testing

@Suite("A viewer of HLS") struct HLSViewerSessionTests {
    @Test("goes from the multivariant playlist to the media playlist, and joins at the hold-back")
    func joining() throws {
        var viewer = try Viewer()
        #expect(viewer.start() == [.get(.poll("/live/x/index.m3u8"), lane: 0)])
        let variants = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nmain/media.m3u8\n"
        #expect(viewer.playlist(variants) == [.get(.poll(Viewer.media), lane: 0)])
        // 2 parts of the open segment and 4 of the last whole one: 1.5 s back is an independent part 3.0 s back.
        #expect(
            viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2)) == [
                .get(HLSRequest(.initSection, "/live/x/main/t/init-1.mp4"), lane: 1),
                .get(.blocked("10", "2"), lane: 0),
            ])
        var fetched: [String] = []
        while case .get(let request, 1)? = viewer.media().first { fetched.append(request.path) }
        let parts = ["9.0", "9.1", "9.2", "9.3", "10.0", "10.1"]
        #expect(fetched == parts.map { "/live/x/main/t/\($0).m4s" })
        #expect(viewer.tally.parts == 6)
        #expect(viewer.tally.initSections == 1)
        #expect(viewer.tally.started == 1)
        #expect(viewer.tally.faultCount == 0)
    }

    @Test("asks for every part as it is listed, over the end of a segment")
    func following() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 3))
        #expect(
            viewer.playlist(Playlists.lowLatency(first: 8, whole: 3, parts: 0)) == [
                .get(.part("10.3"), lane: 1), .get(.blocked("11", "0"), lane: 0),
            ])
        #expect(viewer.media() == [])
        #expect(
            viewer.playlist(Playlists.lowLatency(first: 8, whole: 3, parts: 1)) == [
                .get(.part("11.0"), lane: 1), .get(.blocked("11", "1"), lane: 0),
            ])
    }

    @Test("with one connection fetches media before it asks for the next playlist")
    func oneConnection() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2), connections: 1)
        let list = Playlists.lowLatency(first: 7, whole: 3, parts: 4)
        #expect(viewer.playlist(list) == [.get(.part("10.2"), lane: 0)])
        #expect(viewer.media() == [.get(.part("10.3"), lane: 0)])
        #expect(viewer.media() == [.get(.blocked("10", "4"), lane: 0)])
    }

    @Test("without parts fetches segments from three target durations back, and polls every half of one")
    func legacy() throws {
        var viewer = try Viewer()
        _ = viewer.start()
        #expect(
            viewer.playlist(Playlists.legacy(first: 3, whole: 5)) == [
                .get(HLSRequest(.segment, "/live/x/bench-1-5.ts"), lane: 1)
            ])
        #expect(viewer.media().count == 1)
        #expect(viewer.media().count == 1)
        #expect(viewer.media() == [])
        #expect(viewer.session.nextDeadline == .seconds(1))
        #expect(viewer.tick(.milliseconds(999)) == [])
        #expect(viewer.tick(.seconds(1)) == [.get(.poll("/live/x/index.m3u8"), lane: 0)])
        #expect(viewer.playlist(Playlists.legacy(first: 3, whole: 5)) == [])
        #expect(viewer.tally.unchangedPlaylists == 1)
        #expect(viewer.tick(.seconds(2)).count == 1)
        #expect(
            viewer.playlist(Playlists.legacy(first: 4, whole: 5)) == [
                .get(HLSRequest(.segment, "/live/x/bench-1-8.ts"), lane: 1)
            ])
        #expect(viewer.tally.segments == 3)
    }

    @Test("waits for a stream that is not there yet, and takes a lost one for a fault", arguments: [404, 503])
    func notReady(_ status: Int) throws {
        var viewer = try Viewer()
        _ = viewer.start()
        #expect(viewer.answer(status) == [])
        #expect(viewer.tally.notReady == 1)
        #expect(viewer.tick(.seconds(1)).count == 1)
        _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2))
        _ = viewer.answer(status)
        #expect(viewer.tally.notReady == 1)
        #expect(viewer.tally.faults == [status == 404 ? .refused : .server: 1])
        #expect(viewer.tick(.seconds(2)) == [.get(.poll("/live/x/index.m3u8"), lane: 0)])
    }

    @Test("does not ask in a circle when a blocking playlist lists nothing new")
    func unchanged() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        #expect(viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2)) == [])
        #expect(viewer.session.nextDeadline == .milliseconds(500))
        #expect(viewer.tick(.milliseconds(500)) == [.get(.blocked("10", "2"), lane: 0)])
    }

    @Test("gives up an answer that takes too long: 10 s, and as long again as a server may hold a blocking one")
    func timeouts() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        #expect(viewer.session.nextDeadline == .seconds(16))
        #expect(viewer.tick(.seconds(16)) == [.close(lane: 0)])
        #expect(viewer.tally.faults == [.timeout: 1])
        #expect(viewer.tick(.seconds(17)) == [.get(.poll(Viewer.media), lane: 0)])
    }

    @Test("loses only the request whose connection failed")
    func lostConnections() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 4))
        #expect(viewer.fail(.connection, lane: 1) == [.get(.part("10.3"), lane: 1)])
        #expect(viewer.fail(.malformed, lane: 0) == [])
        #expect(viewer.tally.faults == [.connection: 1, .malformed: 1])
        #expect(viewer.tick(.seconds(1)) == [.get(.poll(Viewer.media), lane: 0)])
        _ = viewer.media()
        #expect(viewer.fail(.connection, lane: 1) == [])
    }

    @Test("that fell out of the window counts it and joins anew")
    func missed() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        let directives = viewer.playlist(Playlists.lowLatency(first: 20, whole: 3, parts: 2))
        #expect(directives == [.get(.part("22.0"), lane: 1), .get(.blocked("23", "2"), lane: 0)])
        #expect(viewer.tally.faults == [.missed: 1])
    }

    @Test("ends when all of an ended stream is fetched")
    func ending() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        let list = Playlists.lowLatency(first: 7, whole: 4, parts: 0, ended: true)
        #expect(viewer.playlist(list) == [.get(.part("10.2"), lane: 1)])
        #expect(viewer.media() == [.get(.part("10.3"), lane: 1)])
        #expect(viewer.media() == [.end])
        #expect(viewer.tally.ended == 1)
        #expect(viewer.session.nextDeadline == nil)
    }

    @Test("measures what it waits for")
    func times() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        viewer.now = .milliseconds(480)
        _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 3))
        #expect(viewer.tally.blockedTimes.maximum == .milliseconds(480))
        #expect(viewer.tally.playlistIntervals.maximum == .milliseconds(480))
        viewer.now = .milliseconds(490)
        _ = viewer.media()
        #expect(viewer.tally.mediaTimes.maximum == .milliseconds(10))
    }

    @Test("takes no URI of another server, and no playlist that is none")
    func strangers() throws {
        var viewer = try Viewer()
        _ = viewer.start()
        #expect(viewer.playlist("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nhttp://else.test/x\n") == [])
        #expect(viewer.tick(.seconds(1)).count == 1)
        #expect(viewer.playlist("<html>") == [])
        #expect(viewer.tally.faults == [.unexpected: 1, .malformed: 1])
    }
}

/// A session with its tally, its clock, and short words for its events.
private struct Viewer {
    var session: HLSViewerSession
    let connections: Int
    var tally = ViewerTally()
    var now: Duration = .zero

    static let media = "/live/x/main/media.m3u8"

    init(connections: Int = 2, path: String = "/live/x/index.m3u8") throws {
        var settings = HLSViewerSettings()
        settings.connections = connections
        self.connections = connections
        session = HLSViewerSession(try #require(HTTPAddress("http://a.test\(path)")), settings: settings)
    }

    /// A viewer that has read a first playlist and fetched all it wants of it.
    static func joined(_ list: ByteSlice, connections: Int = 2) throws -> Viewer {
        var viewer = try Viewer(connections: connections, path: media)
        _ = viewer.start()
        let lane = connections - 1
        var directives = viewer.playlist(list)
        while directives.contains(where: { if case .get(let request, lane) = $0 { !request.wantsBody } else { false } })
        {
            directives = viewer.answer(200, lane: lane)
        }
        return viewer
    }

    mutating func start() -> [HLSViewerSession.Directive] {
        var directives: [HLSViewerSession.Directive] = []
        session.start(now: now, into: &directives)
        return directives
    }

    mutating func playlist(_ text: String) -> [HLSViewerSession.Directive] { playlist(Array(text.utf8)[...]) }

    mutating func playlist(_ body: ByteSlice) -> [HLSViewerSession.Directive] { answer(200, body, lane: 0) }

    /// The answer to the media request under way.
    mutating func media() -> [HLSViewerSession.Directive] { answer(200, lane: connections - 1) }

    mutating func answer(
        _ status: Int, _ body: ByteSlice = [], lane: Int = 0
    ) -> [HLSViewerSession.Directive] {
        var directives: [HLSViewerSession.Directive] = []
        let answer = HTTPAnswer(status: status, body: body, size: .bytes(body.count))
        session.receive(answer, lane: lane, now: now, tally: &tally, into: &directives)
        return directives
    }

    mutating func fail(_ fault: HLSFault, lane: Int) -> [HLSViewerSession.Directive] {
        var directives: [HLSViewerSession.Directive] = []
        session.fail(fault, lane: lane, now: now, tally: &tally, into: &directives)
        return directives
    }

    mutating func tick(_ now: Duration) -> [HLSViewerSession.Directive] {
        self.now = now
        var directives: [HLSViewerSession.Directive] = []
        session.tick(now: now, tally: &tally, into: &directives)
        return directives
    }
}

extension HLSRequest {
    fileprivate static func poll(_ path: String) -> HLSRequest { HLSRequest(.playlist(isBlocking: false), path) }

    fileprivate static func blocked(_ msn: String, _ part: String) -> HLSRequest {
        HLSRequest(.playlist(isBlocking: true), "\(Viewer.media)?_HLS_msn=\(msn)&_HLS_part=\(part)")
    }

    fileprivate static func part(_ name: String) -> HLSRequest { HLSRequest(.part, "/live/x/main/t/\(name).m4s") }
}

extension ByteSlice {
    fileprivate static func lowLatency(first: Int, whole: Int, parts: Int) -> ByteSlice {
        Playlists.lowLatency(first: first, whole: whole, parts: parts)
    }
}
