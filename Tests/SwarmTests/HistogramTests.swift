// SPDX-License-Identifier: Apache-2.0

import Swarm
import Testing

@Suite("A histogram") struct HistogramTests {
    @Test(
        "finds a percentile to 1.6 %, and never above the longest",
        arguments: [1, 127, 128, 129, 1000, 65_535, 65_536, 1_000_000, 3_600_000_000] as [Int64])
    func precision(_ microseconds: Int64) {
        var histogram = Histogram()
        histogram.add(.microseconds(microseconds))
        histogram.add(.microseconds(microseconds * 100))
        let found = histogram.percentile(50)
        #expect(found >= .microseconds(microseconds))
        #expect(found <= .microseconds(microseconds + microseconds / 63))
        #expect(histogram.percentile(100) == .microseconds(microseconds * 100))
        #expect(histogram.maximum == .microseconds(microseconds * 100))
    }

    @Test("orders a thousand durations")
    func many() {
        var histogram = Histogram()
        for number in 1...1000 { histogram.add(.microseconds(number * 100)) }
        #expect(histogram.count == 1000)
        #expect(histogram.mean == .microseconds(50_050))
        for percent in [1.0, 50, 95, 99, 99.9] {
            let exact = percent * 1000
            let found = histogram.percentile(percent) / .microseconds(1)
            #expect(found >= exact && found <= exact * 1.016)
        }
    }

    @Test("adds up to what one histogram of all would be")
    func merging() {
        var all = Histogram()
        var parts = [Histogram(), Histogram()]
        for number in 0..<500 {
            all.add(.microseconds(number * number))
            parts[number % 2].add(.microseconds(number * number))
        }
        parts[0].merge(parts[1])
        #expect(parts[0] == all)
    }

    @Test("without a duration is zero everywhere, and takes one below zero for zero")
    func empty() {
        var histogram = Histogram()
        #expect(histogram.mean == .zero)
        #expect(histogram.percentile(99) == .zero)
        histogram.add(.seconds(-1))
        #expect(histogram.percentile(100) == .zero)
    }

    @Test("adds what could not be measured while something lasted")
    func omission() {
        var times = Histogram()
        times.add(.milliseconds(100), every: .milliseconds(20))
        // 100, 80, 60, 40 and 20.
        #expect(times.count == 5)
        #expect(times.mean == .milliseconds(60))
        times.add(.milliseconds(3), every: .milliseconds(20))
        times.add(.milliseconds(39), every: .milliseconds(20))
        #expect(times.count == 7)
        #expect(times.maximum == .milliseconds(100))
    }

    @Test("tells what was added since an earlier state")
    func difference() {
        var times = Histogram()
        for milliseconds in [500, 1, 2] { times.add(.milliseconds(milliseconds)) }
        let earlier = times
        #expect(times.since(earlier).count == 0)
        #expect(times.since(earlier).maximum == .zero)
        for milliseconds in [10, 20, 30] { times.add(.milliseconds(milliseconds)) }
        let later = times.since(earlier)
        #expect(later.count == 3)
        #expect(later.mean == .milliseconds(20))
        #expect(later.percentile(50) >= .milliseconds(20) && later.percentile(50) < .milliseconds(21))
        #expect(later.maximum >= .milliseconds(30) && later.maximum < .milliseconds(31))
    }
}
