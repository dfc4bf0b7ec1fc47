// SPDX-License-Identifier: Apache-2.0

import Media

/// The segment being made. Times are ticks of the leading track.
struct OpenSegment: Sendable {
    let msn: MediaSequenceNumber
    let start: Int64
    /// It began without a random access point, so the next one ends it.
    let isForced: Bool
    let limits: CutLimits
    /// Units of the leading track, and how many of them came long after the one before.
    var units = 0
    var slowUnits = 0
    /// When its first unit of the leading track is shown; nil before it.
    var shown: Int64?

    /// The last tick it may reach.
    var bound: Int64 { start + limits.longestSegment }
}

/// The part being made. Times are ticks of the leading track.
struct OpenPart: Sendable {
    var index = 0
    let start: Int64
    /// When its first unit of the leading track arrived, in monotonic time.
    var began: Duration?
    /// The decode time of its newest unit of the leading track; nil before the first.
    var newest: Int64?
    /// Where its newest unit of the leading track ends, where that is audio.
    var audioEnd: Int64?
    var isIndependent = false
    /// Whether it has units of any track.
    var hasUnits = false

    init(start: Int64) { self.start = start }
}

/// What happens to the marks before a unit.
enum Cut: Sendable {
    case none
    /// The part ends at this time, and the next begins there.
    case part(Int64)
    /// The segment ends, and the next begins: at the same time, but for a hole.
    case segment(end: Int64, start: Int64)
}
