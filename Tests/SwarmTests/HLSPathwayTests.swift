// SPDX-License-Identifier: Apache-2.0

import Swarm
import Testing

@Suite("A viewer of HLS at several places") struct HLSPathwayTests {
    @Test("plays the first variant of the pathway to begin with, and asks who steers")
    func choosing() throws {
        var viewer = try Viewer()
        _ = viewer.start()
        #expect(
            viewer.playlist(Playlists.twoPathways()) == [
                .get(.poll("http://a.test/~t/live/x/main/media.m3u8"), lane: 0),
                .get(.steering("edge-1"), lane: 2),
            ])
    }

    @Test("goes where a redirect leads, and finds media there", arguments: ["http", "https"])
    func redirects(_ scheme: String) throws {
        var viewer = try Viewer(path: Viewer.media)
        _ = viewer.start()
        let there = "\(scheme)://b.test/~u/live/x/main/media.m3u8"
        #expect(viewer.redirect(to: there) == [.get(.poll(there), lane: 0)])
        #expect(
            viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2)) == [
                .get(.initSection("\(scheme)://b.test/~u/live/x/main/t/init-1.mp4"), lane: 1),
                .get(.blocked("10", "2"), lane: 0),
            ])
        #expect(viewer.tally.redirects == 1)
    }

    @Test("does not follow redirects in a circle")
    func circle() throws {
        var viewer = try Viewer(path: Viewer.media)
        _ = viewer.start()
        for _ in 0..<5 { #expect(viewer.redirect(to: Viewer.media) == [.get(.poll(Viewer.media), lane: 0)]) }
        #expect(viewer.redirect(to: Viewer.media) == [])
        #expect(viewer.tally.faults == [.redirects: 1])
    }

    @Test("moves to the other edge after two failures, and fetches there what it has not got")
    func failing() throws {
        var viewer = try Viewer.atTwoEdges()
        #expect(viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 4)).count == 2)
        #expect(viewer.fail(.connection, lane: 1) == [])
        #expect(viewer.fail(.connection, lane: 0) == [])
        let directives = viewer.tick(.milliseconds(400))
        #expect(directives.count == 2)
        #expect(
            viewer.fail(.connection, lane: 0) == [
                .close(lane: 1), .get(.poll("http://b.test/~t/live/x/main/media.m3u8"), lane: 0),
            ])
        #expect(viewer.tally.moves == 1)
        let list = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 4))
        #expect(list.first == .get(.part("http://b.test/~t/live/x/main/t/10.2.m4s"), lane: 1))
        #expect(viewer.tally.faults == [.connection: 3])
    }

    @Test("asks a silent edge whether it is still there, and leaves one that is not", arguments: [true, false])
    func silence(_ answers: Bool) throws {
        var viewer = try Viewer.atTwoEdges()
        let probe = HLSRequest(.probe, Viewer.at("http://a.test/~t/live/x/main/media.m3u8"), wantsBody: false)
        #expect(viewer.tick(.milliseconds(899)) == [])
        #expect(viewer.tick(.milliseconds(900)) == [.get(probe, lane: 2)])
        guard !answers else {
            #expect(viewer.answer(200, lane: 2) == [.close(lane: 2)])
            #expect(viewer.tick(.milliseconds(1299)) == [])
            #expect(viewer.tick(.milliseconds(1300)) == [.get(probe, lane: 2)])
            return
        }
        #expect(
            viewer.tick(.milliseconds(1500)) == [
                .close(lane: 2), .close(lane: 0), .get(.poll("http://b.test/~t/live/x/main/media.m3u8"), lane: 0),
            ])
        #expect(viewer.tally.moves == 1)
        #expect(viewer.tally.faultCount == 0)
    }

    @Test("asks an edge that lives and has nothing new more and more seldom, until it has", arguments: [0, 0.5, 1.0])
    func patience(_ chance: Double) throws {
        var viewer = try Viewer.atTwoEdges(chance: chance)
        func pause(_ milliseconds: Int) -> Duration { .milliseconds(milliseconds) * (0.75 + chance / 2) }
        var now = Duration.milliseconds(900)
        for wait in [400, 800, 1600, 3200, 4000] {
            #expect(viewer.tick(now - .milliseconds(1)) == [])
            #expect(viewer.tick(now).count == 1, "after \(now)")
            _ = viewer.answer(200, lane: 2)
            now += pause(wait)
        }
        viewer.now = now - .seconds(1)
        _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 3))
        _ = viewer.media()
        now = viewer.now + .milliseconds(900)
        #expect(viewer.tick(now - .milliseconds(1)) == [])
        #expect(viewer.tick(now).count == 1)
        _ = viewer.answer(200, lane: 2)
        #expect(viewer.tick(now + pause(400) - .milliseconds(1)) == [])
        #expect(viewer.tick(now + pause(400)).count == 1)
    }

    @Test("goes where the steering manifest says, but not back to an edge that has just failed")
    func steering() throws {
        var viewer = try Viewer.atTwoEdges(steered: false)
        let manifest = #"{"VERSION":1,"TTL":10,"PATHWAY-PRIORITY":["edge-2","edge-1"]}"#
        #expect(
            viewer.steering(manifest) == [
                .close(lane: 2), .close(lane: 0), .get(.poll("http://b.test/~t/live/x/main/media.m3u8"), lane: 0),
            ])
        for time in [Duration.zero, .milliseconds(400)] {
            _ = viewer.tick(time)
            _ = viewer.fail(.connection, lane: 0)
        }
        #expect(viewer.tally.moves == 2)
        _ = viewer.tick(.seconds(10))
        #expect(viewer.steering(manifest) == [.close(lane: 2)])
        #expect(viewer.tally.moves == 2)
        #expect(viewer.tally.steerings == 2)
    }

    @Test("may be steered to a pathway that is made of another")
    func clones() throws {
        var viewer = try Viewer.atTwoEdges(steered: false)
        let manifest = """
            {"VERSION":1,"TTL":10,"PATHWAY-PRIORITY":["west","edge-1"],
             "PATHWAY-CLONES":[{"BASE-ID":"edge-1","ID":"west","URI-REPLACEMENT":{"HOST":"w.test:81"}}]}
            """
        #expect(viewer.steering(manifest).last == .get(.poll("http://w.test:81/~t/live/x/main/media.m3u8"), lane: 0))
    }

    @Test("that has seen nothing yet goes on from an edge that is full, and counts no fault")
    func full() throws {
        var viewer = try Viewer()
        _ = viewer.start()
        _ = viewer.playlist(Playlists.twoPathways())
        #expect(viewer.answer(503) == [])
        _ = viewer.tick(.milliseconds(400))
        #expect(viewer.answer(503) == [.get(.poll("http://b.test/~t/live/x/main/media.m3u8"), lane: 0)])
        #expect(viewer.tally.notReady == 2)
        #expect(viewer.tally.refusedTimes.count == 2)
        #expect(viewer.tally.faultCount == 0)
    }

    @Test("that begins anew shows nothing twice, and takes what is missing then for a fault")
    func beginningAnew() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        for attempt in 1...6 {
            _ = viewer.answer(503)
            _ = viewer.tick(.seconds(2 * attempt))
        }
        #expect(viewer.tally.rejoins == 1)
        #expect(viewer.tally.faults == [.server: 6])
        #expect(viewer.answer(404) == [])
        #expect(viewer.tally.faults == [.server: 6, .refused: 1])
        #expect(viewer.tally.notReady == 0)
        _ = viewer.tick(.seconds(14))
        // All that is listed was fetched before.
        #expect(
            viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2)) == [.get(.blocked("10", "2"), lane: 0)])
        #expect(
            viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 3)).first == .get(.part("10.2"), lane: 1))
    }

    @Test("counts a hint that could not be had as wasted")
    func lostHint() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 1)) { $0.takesHints = true }
        _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2))
        #expect(viewer.media() == [.get(.part("10.2"), lane: 1)])
        _ = viewer.answer(404, lane: 1)
        #expect(viewer.tally.wastedHints == 1)
        #expect(viewer.tally.faultCount == 0)
    }

    @Test("waits for what another edge had already shown")
    func behind() throws {
        var viewer = try Viewer.atTwoEdges()
        for time in [Duration.zero, .milliseconds(400)] {
            _ = viewer.tick(time)
            _ = viewer.fail(.connection, lane: 0)
        }
        #expect(
            viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 1)) == [
                .get(.blocked("10", "1", at: "http://b.test/~t"), lane: 0)
            ])
        #expect(viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2)).count == 1)
        #expect(
            viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 3)).first
                == .get(.part("http://b.test/~t/live/x/main/t/10.2.m4s"), lane: 1))
        #expect(viewer.tally.faults == [.connection: 2])
    }
}
