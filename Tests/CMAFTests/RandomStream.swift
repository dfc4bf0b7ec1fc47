// SPDX-License-Identifier: Apache-2.0

import CMAF
import Feed
import Media

/// Video and sound whose units have random sizes, durations, offsets and flags, as alike or unlike as a seed wants.
struct RandomStream {
    private var times: [TrackTime] = []
    private let isSteady: Bool
    private let hasOffsets: Bool
    private let randomAccessEvery: Int

    init(using random: inout SeededRandom) {
        for id in [TrackID.video, .audio] {
            times.append(TrackTime(track: id, ticks: Int64.random(in: 0..<1 << 40, using: &random)))
        }
        isSteady = Bool.random(using: &random)
        hasOffsets = Bool.random(using: &random)
        randomAccessEvery = Int.random(in: 1...40, using: &random)
    }

    /// The next part, of up to 40 units; a track may be without one.
    mutating func nextPart(isFirst: Bool, sequenceNumber: UInt32, using random: inout SeededRandom) -> Fragment {
        var units: [AccessUnit] = []
        for index in 0..<Int.random(in: 1...40, using: &random) {
            let track = Int.random(in: 0...1, using: &random)
            let isVideo = track == 0
            let step = isSteady ? (isVideo ? 3000 : 1024) : Int64.random(in: 0...9000, using: &random)
            let size = Int.random(in: 0...300, using: &random)
            units.append(
                AccessUnit(
                    track: times[track].track,
                    decodeTime: MediaTime(ticks: times[track].ticks, timescale: isVideo ? .video : Timescale(48_000)),
                    compositionOffset: isVideo && hasOffsets ? Int32.random(in: -9000...9000, using: &random) : 0,
                    isRandomAccess: !isVideo || index.isMultiple(of: randomAccessEvery),
                    payload: (0..<size).map { _ in UInt8.random(in: .min ... .max, using: &random) }[...]))
            times[track] = TrackTime(track: times[track].track, ticks: times[track].ticks + step)
        }
        return Fragment(
            packaging: 1, sequenceNumber: sequenceNumber, isFirstInSegment: isFirst, tracks: [.video, .audio],
            units: units[...],
            ends: times)
    }
}
