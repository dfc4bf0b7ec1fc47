// SPDX-License-Identifier: Apache-2.0

import Swarm
import Testing

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
