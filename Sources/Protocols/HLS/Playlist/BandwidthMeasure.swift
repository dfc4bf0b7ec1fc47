// SPDX-License-Identifier: Apache-2.0

import Media

/// The bit rates of a run of segments (RFC 8216bis §4.1, "peak segment bit rate").
struct BandwidthMeasure: Hashable, Sendable {
    /// Bits a second: the largest of any contiguous segments that are together between a half and one and a half target
    /// durations long; where none are, the largest of any one segment.
    let peak: Int
    /// Bits a second over all segments.
    let average: Int

    /// Measures segments given by their bytes and durations.
    init(_ segments: [(bytes: Int, duration: Duration)], targetDuration: Int) {
        let target = Duration.seconds(targetDuration)
        var peak = 0
        var largest = 0
        for start in segments.indices {
            largest = max(largest, Self.rate(segments[start].bytes, segments[start].duration))
            var bytes = 0
            var duration = Duration.zero
            for segment in segments[start...] {
                bytes += segment.bytes
                duration += segment.duration
                guard duration * 2 <= target * 3 else { break }
                if duration * 2 >= target { peak = max(peak, Self.rate(bytes, duration)) }
            }
        }
        let total = segments.reduce((bytes: 0, duration: Duration.zero)) {
            ($0.bytes + $1.bytes, $0.duration + $1.duration)
        }
        self.peak = max(1, peak > 0 ? peak : largest)
        average = max(1, Self.rate(total.bytes, total.duration))
    }

    /// Bits a second, rounded up.
    private static func rate(_ bytes: Int, _ duration: Duration) -> Int {
        let milliseconds = Int(duration.roundedMicroseconds / 1000)
        return milliseconds > 0 ? (bytes * 8000 + milliseconds - 1) / milliseconds : 0
    }
}
