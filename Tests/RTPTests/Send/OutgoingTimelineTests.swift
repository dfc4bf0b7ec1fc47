// SPDX-License-Identifier: Apache-2.0

import Media
import RTP
import TestKit
import Testing

@Suite("An outgoing timeline")
struct OutgoingTimelineTests {
    private static let sound = Timescale(48_000)

    private func video(_ milliseconds: Int64) -> MediaTime { MediaTime(ticks: milliseconds * 90, timescale: .video) }
    private func audio(_ milliseconds: Int64) -> MediaTime {
        MediaTime(ticks: milliseconds * 48, timescale: Self.sound)
    }

    @Test("leaves a term's times as they are, and goes on with those of a term that fits")
    func fits() {
        var line = OutgoingTimeline(wall: WallTime(milliseconds: 0), now: .zero)
        #expect(line.place(video(1000), track: .video, now: .seconds(5)) == video(1000))
        #expect(line.place(audio(990), track: .audio, now: .seconds(5)) == audio(990))
        line.begin()
        #expect(line.place(audio(1010), track: .audio, now: .milliseconds(5020)) == audio(1010))
        #expect(line.place(video(1033), track: .video, now: .milliseconds(5033)) == video(1033))
    }

    @Test(
        "moves a term that goes back, or far ahead, to the time that has passed",
        arguments: [-1_000_000, 0, 500, 90_000])
    func moves(start: Int64) {
        var line = OutgoingTimeline(wall: WallTime(milliseconds: 0), now: .zero)
        #expect(line.place(video(1000), track: .video, now: .seconds(5)) == video(1000))
        #expect(line.place(audio(995), track: .audio, now: .seconds(5)) == audio(995))
        line.begin()
        #expect(line.place(video(start), track: .video, now: .seconds(7)) == video(3000))
        #expect(line.place(audio(start + 20), track: .audio, now: .seconds(7)) == audio(3020))
        #expect(line.place(audio(start + 20), track: .audio, now: .seconds(7)) == nil)
    }

    @Test("moves a term whose sound would go forward and whose pictures would not")
    func between() {
        var line = OutgoingTimeline(wall: WallTime(milliseconds: 0), now: .zero)
        #expect(line.place(audio(900), track: .audio, now: .seconds(5)) == audio(900))
        #expect(line.place(video(1000), track: .video, now: .seconds(5)) == video(1000))
        line.begin()
        #expect(line.place(audio(950), track: .audio, now: .milliseconds(5020)) == audio(1020))
        #expect(line.place(video(951), track: .video, now: .milliseconds(5021)) == video(1021))
    }

    @Test("only goes forward over any terms", arguments: 0..<200 as Range<UInt64>)
    func forward(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var line = OutgoingTimeline(wall: WallTime(milliseconds: 0), now: .zero)
        var now: Duration = .zero
        var last: [TrackID: Int64] = [:]
        for _ in 0..<20 {
            line.begin()
            var time = Int64.random(in: -10_000_000...10_000_000, using: &random)
            now += .milliseconds(Int.random(in: 0...5000, using: &random))
            var placed = 0
            for _ in 0..<50 {
                let track: TrackID = Bool.random(using: &random) ? .video : .audio
                let unit = track == .video ? video(time) : audio(time + .random(in: -30...30, using: &random))
                if let out = line.place(unit, track: track, now: now) {
                    placed += 1
                    #expect(out.ticks > last[track] ?? .min, "seed \(seed)")
                    last[track] = out.ticks
                }
                time += 20
                now += .milliseconds(20)
            }
            #expect(placed > 25, "seed \(seed)")
        }
    }

    @Test("tells reports of all tracks by one clock")
    func clock() {
        var line = OutgoingTimeline(wall: WallTime(milliseconds: 1_000_000), now: .seconds(1))
        _ = line.place(audio(2000), track: .audio, now: .milliseconds(1100))
        _ = line.place(video(2010), track: .video, now: .milliseconds(1150))
        #expect(line.clock.time(.seconds(3)) == NTPTime(WallTime(milliseconds: 1_002_000)))
        #expect(line.clock.timestamp(.milliseconds(1100), .audio) == audio(2000).ticks)
        #expect(line.clock.timestamp(.milliseconds(1100), .video) == video(2000).ticks)
        #expect(line.clock.timestamp(.milliseconds(2100), .video) == video(3000).ticks)
    }
}
