// SPDX-License-Identifier: Apache-2.0

import Bytes
import Media

/// The decode times of an audio track, on the clock of its samples: each unit begins where the one before it ended.
///
/// A unit that comes within half a unit of the expected time is placed exactly there. Further off, the track follows
/// by a sixteenth of a unit at a time. Three units too late leave a hole; three too early, and the unit is dropped.
struct AudioTiming: Sendable {
    private let codec: Codec
    private let rate: Int64
    private let fixedSamples: Int64?
    private var samples: Int64
    private var isFirst = true
    /// Where the next unit is expected.
    private(set) var end: Int64

    /// A track whose first unit will stand at or after `start`.
    init(start: Int64, parameters: AudioParameters) {
        end = start
        codec = parameters.codec
        rate = Int64(max(1, parameters.sampleRate))
        fixedSamples = parameters.samplesPerUnit.map(Int64.init)
        samples = fixedSamples ?? (parameters.codec == .opus ? 960 : 1024)
    }

    /// How long a unit usually is, in samples.
    var interval: Int64 { samples }

    /// Goes on at `start` with another publisher's clock.
    mutating func resume(at start: Int64) { end = start }

    /// Places the unit that came for `time`; nil where it is dropped.
    /// - Parameter isPinned: a mark has told where this unit begins, so it can not begin earlier.
    mutating func place(
        _ time: Int64, payload: ByteSlice, isPinned: Bool, counters: inout SequencerCounters
    ) -> Placement? {
        let error = time &- end
        let slack = max(samples / 2, rate / 200)
        let limit = max(3 * samples, rate * 6 / 100)
        var placed = end
        if isFirst {
            placed = max(time, end)
        } else if error > limit {
            placed = time
            counters.audioHoles += 1
        } else if error < -limit {
            counters.audioOverlaps += 1
            return nil
        } else if error > slack {
            placed += max(1, samples / 16)
        } else if error < -slack, !isPinned {
            placed -= samples / 16
        }
        isFirst = false
        samples = fixedSamples ?? OpusPacket.sampleCount(of: payload).map(Int64.init) ?? samples
        end = placed + samples
        return Placement(time: placed, next: end, offset: 0)
    }
}
