// SPDX-License-Identifier: Apache-2.0

import Media
import RTP
import Testing

@Suite("The clocks of a publisher's sources")
struct SourceClockTableTests {
    private static let (high, low) = (ReceiveSource(media: 0, layer: 0), ReceiveSource(media: 0, layer: 2))
    private static let sound = ReceiveSource(media: 1)

    /// The publisher's civil time at a moment of our clock, in a world in which both run alike.
    private func civil(_ now: Duration) -> NTPTime { NTPTime(WallTime(milliseconds: 1_700_000_000_000), elapsed: now) }

    @Test("are not moved by a larger layer that comes later, which takes its place among them")
    func layers() {
        var clocks = SourceClockTable()
        // The smallest begins, its timestamps with 0; the sound's with 4800.
        #expect(clocks.time(of: 0, Self.low, .vp8, now: .seconds(1)).ticks == 90_000)
        _ = clocks.time(of: 4800, Self.sound, .opus, now: .seconds(1))
        clocks.receive(ClockReport(time: civil(.seconds(1)), timestamp: 0), of: Self.low)
        clocks.receive(ClockReport(time: civil(.seconds(1)), timestamp: 4800), of: Self.sound)
        // The largest begins five seconds later, and its first picture takes 200 ms to come.
        _ = clocks.time(of: 7_000_000, Self.high, .vp8, now: .milliseconds(6200))
        clocks.receive(ClockReport(time: civil(.seconds(6)), timestamp: 7_000_000), of: Self.high)
        clocks.receive(ClockReport(time: civil(.seconds(6)), timestamp: 450_000), of: Self.low)
        clocks.receive(ClockReport(time: civil(.seconds(6)), timestamp: 4800 + 240_000), of: Self.sound)
        #expect(clocks.time(of: 450_000, Self.low, .vp8, now: .seconds(6)).ticks == 540_000)
        #expect(clocks.time(of: 7_000_000, Self.high, .vp8, now: .seconds(6)).ticks == 540_000)
        #expect(clocks.time(of: 244_800, Self.sound, .opus, now: .seconds(6)).ticks == 288_000)
        // The smallest goes on under another SSRC: whoever leads now, nobody is moved.
        clocks.forget(Self.low)
        _ = clocks.time(of: 99, Self.low, .vp8, now: .milliseconds(7100))
        clocks.receive(ClockReport(time: civil(.seconds(7)), timestamp: 99), of: Self.low)
        #expect(clocks.time(of: 7_090_000, Self.high, .vp8, now: .seconds(7)).ticks == 630_000)
        #expect(clocks.time(of: 99, Self.low, .vp8, now: .seconds(7)).ticks == 630_000)
    }

    @Test("take whatever a publisher says of them")
    func extremes() {
        var clocks = SourceClockTable()
        _ = clocks.time(of: 0, Self.low, .vp8, now: .zero)
        _ = clocks.time(of: 0, Self.high, .vp8, now: .zero)
        let values: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
        for one in values {
            for other in values {
                clocks.receive(ClockReport(time: NTPTime(bits: .max), timestamp: one), of: Self.low)
                clocks.receive(ClockReport(time: NTPTime(bits: 0), timestamp: other), of: Self.high)
                _ = clocks.time(of: one, Self.high, .vp8, now: .zero)
                _ = clocks.time(of: other, Self.low, .vp8, now: .zero)
            }
        }
        #expect(clocks.time(of: 5, Self.low, .vp8, now: .zero).timescale == .video)
    }
}
