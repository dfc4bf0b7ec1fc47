// SPDX-License-Identifier: Apache-2.0

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
                .get(.initSection("/live/x/main/t/init-1.mp4"), lane: 1),
                .get(.blocked("10", "2"), lane: 0),
            ])
        var fetched: [String] = []
        while case .get(let request, 1)? = viewer.media().first { fetched.append(request.address.path) }
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

    @Test("reads a delta update, and asks for the whole where it needs what is left out")
    func deltas() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        let update = Playlists.delta(first: 7, whole: 3, parts: 3, skipped: 2)
        #expect(viewer.playlist(update) == [.get(.part("10.2"), lane: 1), .get(.blocked("10", "3"), lane: 0)])
        _ = viewer.media()
        // It has been away, and the next update begins behind its place.
        let late = Playlists.delta(first: 9, whole: 6, parts: 1, skipped: 3)
        #expect(viewer.playlist(late) == [.get(.poll(Viewer.media), lane: 0)])
        #expect(
            viewer.playlist(Playlists.lowLatency(first: 9, whole: 6, parts: 1)).first
                == .get(HLSRequest(.segment, Viewer.at("/live/x/main/t/11.m4s"), wantsBody: true), lane: 1))
        #expect(viewer.tally.faultCount == 0)
    }

    @Test("asks for delta updates where there are any")
    func askingForDeltas() throws {
        var viewer = try Viewer(path: Viewer.media) { $0.takesDeltas = true }
        _ = viewer.start()
        let directives = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2))
        #expect(directives.last == .get(.blocked("10", "2&_HLS_skip=YES"), lane: 0))
    }

    @Test("with one connection fetches media before it asks for the next playlist")
    func oneConnection() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2), connections: 1)
        let list = Playlists.lowLatency(first: 7, whole: 3, parts: 4)
        #expect(viewer.playlist(list) == [.get(.part("10.2"), lane: 0)])
        #expect(viewer.media() == [.get(.part("10.3"), lane: 0)])
        #expect(viewer.media() == [.get(.blocked("10", "4"), lane: 0)])
    }

    @Test("without parts fetches segments from three target durations back, and polls: RFC 8216 §6.3.4")
    func legacy() throws {
        var viewer = try Viewer()
        _ = viewer.start()
        #expect(
            viewer.playlist(Playlists.legacy(first: 3, whole: 5)) == [.get(.segment("/live/x/bench-1-5.ts"), lane: 1)])
        #expect(viewer.media().count == 1)
        #expect(viewer.media().count == 1)
        #expect(viewer.media() == [])
        #expect(viewer.session.nextDeadline == .seconds(2))
        #expect(viewer.tick(.milliseconds(1999)) == [])
        #expect(viewer.tick(.seconds(2)) == [.get(.poll("/live/x/index.m3u8"), lane: 0)])
        #expect(viewer.playlist(Playlists.legacy(first: 3, whole: 5)) == [])
        #expect(viewer.tally.unchangedPlaylists == 1)
        #expect(viewer.tick(.seconds(3)).count == 1)
        #expect(
            viewer.playlist(Playlists.legacy(first: 4, whole: 5)) == [.get(.segment("/live/x/bench-1-8.ts"), lane: 1)])
        #expect(viewer.tally.segments == 3)
    }

    @Test("that knows nothing of parts takes whole segments of a playlist that has both")
    func oldPlayer() throws {
        var viewer = try Viewer(path: Viewer.media) { $0.isLowLatency = false }
        _ = viewer.start()
        #expect(
            viewer.playlist(Playlists.lowLatency(first: 5, whole: 5, parts: 2)) == [
                .get(.initSection("/live/x/main/t/init-1.mp4"), lane: 1)
            ])
        #expect(viewer.media() == [.get(.segment("/live/x/main/t/7.m4s"), lane: 1)])
        #expect(viewer.tick(.seconds(2)) == [.get(.poll(Viewer.media), lane: 0)])
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
        #expect(viewer.tick(.milliseconds(1400)) == [.get(.poll("/live/x/index.m3u8"), lane: 0)])
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
        #expect(viewer.tick(.milliseconds(16_400)) == [.get(.poll(Viewer.media), lane: 0)])
    }

    @Test("asks again for media that failed, and gives it up in the end")
    func lostMedia() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 4))
        for attempt in 1...6 {
            #expect(viewer.fail(.connection, lane: 1).isEmpty, "attempt \(attempt)")
            let directives = viewer.tick(viewer.now + .seconds(2))
            #expect(directives == [.get(.part(attempt < 6 ? "10.2" : "10.3"), lane: 1)], "attempt \(attempt)")
        }
        #expect(viewer.tally.faults == [.connection: 6, .missed: 1])
        #expect(viewer.media() == [])
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

    @Test("takes no URI of another scheme, and no playlist that is none")
    func strangers() throws {
        var viewer = try Viewer()
        _ = viewer.start()
        #expect(viewer.playlist("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nftp://else.test/x\n") == [])
        #expect(viewer.tick(.seconds(2)).count == 1)
        #expect(viewer.playlist("<html>") == [])
        #expect(viewer.tally.faults == [.malformed: 1])
    }
}
