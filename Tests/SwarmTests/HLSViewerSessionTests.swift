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

@Suite("What a viewer of HLS is shown") struct HLSPlaybackTests {
    @Test("begins with the first media, and stands while there is none")
    func stalls() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        #expect(viewer.session.activity(now: .zero) == .playing)
        // It has 3 s and begins 1.5 s from the end of them.
        #expect(viewer.session.activity(now: .milliseconds(1500)) == .playing)
        #expect(viewer.session.activity(now: .milliseconds(1501)) == .standing)
        viewer.now = .seconds(4)
        _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 3))
        _ = viewer.media()
        #expect(viewer.tally.stalls == 1)
        #expect(viewer.tally.longStalls == 1)
        #expect(viewer.tally.stallTimes.maximum == .milliseconds(2500))
        viewer.finish(.milliseconds(4250))
        #expect(viewer.tally.stalls == 1)
        #expect(viewer.tally.watched == .milliseconds(1750))
        #expect(abs(viewer.tally.rebufferRatio - 2.5 / 4.25) < 1e-9)
    }

    @Test("that never comes is a viewer cut short")
    func nothing() throws {
        var viewer = try Viewer()
        _ = viewer.start()
        viewer.finish(.seconds(1))
        #expect(viewer.tally.cutShort == 1)
        #expect(viewer.tally.joins == 1)
        #expect(viewer.tally.stalls == 0)
    }

    @Test("stands at the end of the run where nothing came any more")
    func standing() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        viewer.finish(.seconds(2))
        #expect(viewer.tally.stalls == 1)
        #expect(viewer.tally.longStalls == 0)
        #expect(viewer.tally.stallTimes.maximum == .milliseconds(500))
    }

    @Test("lies as far behind the publisher as its stamps say, also for who only counted the bytes")
    func latency() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        viewer.now = .milliseconds(700)
        _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 3))
        // The part's first picture was sent 0.6 s ago, and is shown in 0.8 s.
        _ = viewer.answer(200, Viewer.stamped(.milliseconds(100)), lane: 1)
        #expect(viewer.tally.arrivals.maximum == .milliseconds(600))
        #expect(viewer.session.latency(now: viewer.now) == .milliseconds(1400))
        // Another joins 3.5 s behind the end and shows nothing before 1.5 s behind it, which is 0.5 s after the stamp.
        var other = try Viewer(path: Viewer.media)
        other.commons = viewer.commons
        other.now = viewer.now
        _ = other.start()
        other.fetchAll(other.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 3)))
        #expect(other.tally.arrivals.count == 1)
        #expect(other.session.latency(now: other.now) == .milliseconds(1600))
        #expect(other.session.latency(now: other.now + .seconds(1)) == .milliseconds(1600))
    }

    @Test("lies further behind for every second that the viewer stands, and each is counted")
    func standingBehind() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        viewer.measure(.zero)
        #expect(viewer.tally.latencies.count == 0, "nothing was stamped")
        viewer.now = .milliseconds(700)
        _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 3))
        _ = viewer.answer(200, Viewer.stamped(.milliseconds(100)), lane: 1)
        // It has 2 s to show, and stands from then on.
        for second in 0...10 { viewer.measure(.seconds(second + 2)) }
        #expect(viewer.tally.latencies.count == 11)
        #expect(viewer.tally.latencies.maximum == .milliseconds(11_400))
        #expect(viewer.tally.latencies.percentile(50) > .seconds(6))
    }

    @Test("lies behind a publisher that was away by what is shown, not by what is buffered")
    func jumps() throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 2))
        for (number, stamp) in [(3, 100), (4, 10_600)] {
            viewer.now = .milliseconds(700 + number)
            _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: number))
            _ = viewer.answer(200, Viewer.stamped(.milliseconds(stamp)), lane: 1)
        }
        // The part before the jump begins at 1.5 s of what is shown, the one behind it at 2 s.
        #expect(viewer.session.latency(now: .milliseconds(1900)) == .milliseconds(1400))
        #expect(viewer.session.latency(now: .milliseconds(2100)) == .milliseconds(2100 - 10_700))
    }

    @Test("that does not come for two seconds was waited for in vain, from when the viewer was to begin")
    func inVain() throws {
        var viewer = try Viewer()
        viewer.now = .seconds(1)
        _ = viewer.start(due: .zero)
        viewer.finish(.milliseconds(2500))
        #expect(viewer.tally.cutShort == 1)
        #expect(viewer.tally.unserved == 1)
        var other = try Viewer()
        _ = other.start()
        other.finish(.milliseconds(1999))
        #expect(other.tally.cutShort == 1)
        #expect(other.tally.unserved == 0)
    }

    @Test("begins late where the viewer was begun late")
    func lateStart() throws {
        var viewer = try Viewer(path: Viewer.media)
        viewer.now = .seconds(3)
        _ = viewer.start(due: .seconds(1))
        viewer.fetchAll(viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2)))
        #expect(viewer.tally.startTimes.maximum == .seconds(2))
    }

    @Test("comes from a hint as soon as the part is listed, in whichever order they come", arguments: [true, false])
    func hints(_ mediaIsFirst: Bool) throws {
        var viewer = try Viewer.joined(.lowLatency(first: 7, whole: 3, parts: 1)) { $0.takesHints = true }
        _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2))
        #expect(viewer.media() == [.get(.part("10.2"), lane: 1)])
        let parts = viewer.tally.parts
        _ = viewer.tick(.milliseconds(500))
        if mediaIsFirst { _ = viewer.media() }
        _ = viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 3))
        if !mediaIsFirst { _ = viewer.media() }
        #expect(viewer.tally.parts == parts + 1)
        #expect(viewer.tally.wastedHints == 0)
        viewer.finish(.seconds(10))
        #expect(viewer.tally.watched == .milliseconds(2500))
    }
}

/// A session with its tally, its clock, and short words for its events.
private struct Viewer {
    var session: HLSViewerSession
    let mediaLane: Int
    var commons = HLSCommons()
    var now: Duration = .zero
    var tally: ViewerTally { commons.tally }

    static let media = "/live/x/main/media.m3u8"

    /// A path of the first server, or any URL.
    static func at(_ place: String) -> HTTPAddress {
        guard let address = HTTPAddress(web: place.hasPrefix("/") ? "http://a.test\(place)" : place) else {
            preconditionFailure(place)
        }
        return address
    }

    init(
        path: String = "/live/x/index.m3u8", chance: Double = 0.5,
        _ change: (inout HLSViewerSettings) -> Void = { _ in }
    ) throws {
        var settings = HLSViewerSettings()
        settings.takesDeltas = false
        change(&settings)
        mediaLane = settings.connections - 1
        session = HLSViewerSession(Viewer.at(path), settings: settings, chance: chance)
    }

    /// A viewer that has read a first playlist and fetched all it wants of it.
    static func joined(
        _ list: ByteSlice, connections: Int = 2, _ change: (inout HLSViewerSettings) -> Void = { _ in }
    ) throws -> Viewer {
        var viewer = try Viewer(path: media) {
            change(&$0)
            $0.connections = connections
        }
        _ = viewer.start()
        viewer.fetchAll(viewer.playlist(list))
        return viewer
    }

    /// A viewer that watches at the first of two edges, and has been told to stay there.
    static func atTwoEdges(steered: Bool = true, chance: Double = 0.5) throws -> Viewer {
        var viewer = try Viewer(chance: chance)
        _ = viewer.start()
        _ = viewer.playlist(Playlists.twoPathways())
        if steered { _ = viewer.steering(#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["edge-1"]}"#) }
        viewer.fetchAll(viewer.playlist(Playlists.lowLatency(first: 7, whole: 3, parts: 2)))
        return viewer
    }

    mutating func fetchAll(_ directives: [HLSViewerSession.Directive]) {
        var directives = directives
        let lane = mediaLane
        while directives.contains(where: { directive in
            guard case .get(let request, lane) = directive else { return false }
            return [.initSection, .part, .segment].contains(request.kind)
        }) {
            directives = answer(200, lane: lane)
        }
    }

    /// Media of one picture that was sent then.
    static func stamped(_ time: Duration) -> ByteSlice {
        FrameStamp.write(time, over: [UInt8](repeating: 7, count: 200)[...])
    }

    mutating func start(due: Duration? = nil) -> [HLSViewerSession.Directive] {
        var directives: [HLSViewerSession.Directive] = []
        session.start(now: now, due: due, commons: &commons, into: &directives)
        return directives
    }

    mutating func playlist(_ text: String) -> [HLSViewerSession.Directive] { playlist(Array(text.utf8)[...]) }

    mutating func playlist(_ body: ByteSlice) -> [HLSViewerSession.Directive] { answer(200, body, lane: 0) }

    mutating func steering(_ text: String) -> [HLSViewerSession.Directive] {
        answer(200, Array(text.utf8)[...], lane: 2)
    }

    /// The answer to the media request under way.
    mutating func media() -> [HLSViewerSession.Directive] { answer(200, lane: mediaLane) }

    mutating func redirect(to place: String) -> [HLSViewerSession.Directive] {
        take(HTTPAnswer(status: 302, body: [], size: .bytes(0), location: place), lane: 0)
    }

    mutating func answer(
        _ status: Int, _ body: ByteSlice = [], lane: Int = 0
    ) -> [HLSViewerSession.Directive] {
        take(HTTPAnswer(status: status, body: body, size: .bytes(body.count)), lane: lane)
    }

    private mutating func take(_ answer: HTTPAnswer, lane: Int) -> [HLSViewerSession.Directive] {
        var directives: [HLSViewerSession.Directive] = []
        session.receive(answer, lane: lane, now: now, commons: &commons, into: &directives)
        return directives
    }

    mutating func fail(_ fault: HLSFault, lane: Int) -> [HLSViewerSession.Directive] {
        var directives: [HLSViewerSession.Directive] = []
        session.fail(fault, lane: lane, now: now, commons: &commons, into: &directives)
        return directives
    }

    mutating func tick(_ now: Duration) -> [HLSViewerSession.Directive] {
        self.now = now
        var directives: [HLSViewerSession.Directive] = []
        session.tick(now: now, commons: &commons, into: &directives)
        return directives
    }

    mutating func measure(_ now: Duration) { session.measure(now: now, commons: &commons) }

    mutating func finish(_ now: Duration) { session.finish(now: now, commons: &commons) }
}

extension HLSRequest {
    fileprivate static func poll(_ place: String) -> HLSRequest {
        HLSRequest(.playlist(isBlocking: false), Viewer.at(place), wantsBody: true)
    }

    fileprivate static func blocked(_ msn: String, _ part: String, at base: String = "http://a.test") -> HLSRequest {
        let address = Viewer.at("\(base)\(Viewer.media)?_HLS_msn=\(msn)&_HLS_part=\(part)")
        return HLSRequest(.playlist(isBlocking: true), address, wantsBody: true)
    }

    fileprivate static func initSection(_ place: String) -> HLSRequest {
        HLSRequest(.initSection, Viewer.at(place), wantsBody: false)
    }

    fileprivate static func segment(_ place: String) -> HLSRequest {
        HLSRequest(.segment, Viewer.at(place), wantsBody: true)
    }

    fileprivate static func steering(_ pathway: String) -> HLSRequest {
        let place = "/live/x/steering.json?at=edge-1,edge-2&_HLS_pathway=\(pathway)"
        return HLSRequest(.steering, Viewer.at(place), wantsBody: true)
    }

    /// A part by its number beside the playlist, or by its URL.
    fileprivate static func part(_ name: String) -> HLSRequest {
        let place = name.contains("/") ? name : "/live/x/main/t/\(name).m4s"
        return HLSRequest(.part, Viewer.at(place), wantsBody: true)
    }
}

extension ByteSlice {
    fileprivate static func lowLatency(first: Int, whole: Int, parts: Int) -> ByteSlice {
        Playlists.lowLatency(first: first, whole: whole, parts: parts)
    }
}
