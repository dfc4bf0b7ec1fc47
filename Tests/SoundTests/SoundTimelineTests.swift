// SPDX-License-Identifier: Apache-2.0

import Media
import Sound
import TestKit
import Testing

@Suite("The timeline of transcoded sound")
struct SoundTimelineTests {
    private func unit(_ ticks: Int64, rate: UInt32 = 44_100) -> MediaTime {
        MediaTime(ticks: ticks, timescale: Timescale(rate))
    }

    @Test("knows nothing before it was fed")
    func empty() {
        var line = SoundTimeline()
        let place = line.place(0, samples: 960)
        #expect(place == nil)
    }

    @Test("steps evenly over units that follow one another", arguments: [48_000, 44_100, 22_050, 32_000] as [UInt32])
    func even(rate: UInt32) {
        var line = SoundTimeline()
        let start: Int64 = 5 * Int64(rate) + 17
        var position: Int64 = -120
        var times: [Int64] = []
        for index in 0..<2000 as Range<Int64> {
            line.feed(unit(start + index * 1024, rate: rate), samples: 1024, now: .milliseconds(index * 20))
            while position + 960 < (index - 2) * 1024 * 48_000 / Int64(rate) {
                if let place = line.place(position, samples: 960) { times.append(place.time.ticks) }
                position += 960
            }
        }
        let first = MediaTime(ticks: start, timescale: Timescale(rate)).converted(to: Timescale(48_000)).ticks - 120
        #expect(times.count > 500)
        #expect(times == times.indices.map { first + Int64($0) * 960 })
    }

    @Test("is anchored anew behind a gap, and where times go back", arguments: [500, 5000, -3000] as [Int64])
    func gap(milliseconds: Int64) {
        var line = SoundTimeline()
        for index in 0..<20 as Range<Int64> { line.feed(unit(index * 1024, rate: 48_000), samples: 1024, now: .zero) }
        for index in 20..<40 as Range<Int64> {
            line.feed(unit(index * 1024 + milliseconds * 48, rate: 48_000), samples: 1024, now: .seconds(1))
        }
        let places = (0..<42 as Range<Int64>).compactMap { line.place($0 * 960, samples: 960) }
        let times = places.map(\.time.ticks)
        #expect(times[..<22].elementsEqual((0..<22).map { $0 * 960 }))
        #expect(times[22...].elementsEqual((22..<42).map { $0 * 960 + milliseconds * 48 }))
        #expect(places.first?.arrival == .zero && places.last?.arrival == .seconds(1))
    }

    @Test("bears small steps of the input without a step of its own")
    func jitter() {
        var line = SoundTimeline()
        var random = SeededRandom(seed: 3)
        for index in 0..<100 as Range<Int64> {
            line.feed(
                unit(index * 1024 + .random(in: -200...200, using: &random), rate: 48_000), samples: 1024, now: .zero)
        }
        let times = (0..<100 as Range<Int64>).compactMap { line.place($0 * 960, samples: 960)?.time.ticks }
        #expect(times.count == 100)
        #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 == 960 })
    }

    @Test("keeps a bounded list of an encoder that gives nothing")
    func bounded() {
        var line = SoundTimeline()
        for index in 0..<5000 as Range<Int64> { line.feed(unit(index * 1024, rate: 48_000), samples: 1024, now: .zero) }
        let place = line.place(4999 * 1024, samples: 960)
        #expect(place?.time == unit(4999 * 1024, rate: 48_000))
    }
}
