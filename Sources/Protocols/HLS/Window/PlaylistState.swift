// SPDX-License-Identifier: Apache-2.0

import Feed
import Identity
import Media

/// What a playlist lists after one part: a range of a window's segments, and how much of the open one.
struct PlaylistState: Equatable, Sendable {
    /// Indices of the whole segments listed.
    let whole: Range<Int>
    /// Parts listed of the segment behind them, 0 where none.
    let openParts: Int
    /// Whether nothing can be missing before the first segment.
    let isFull: Bool
    /// Whether the stream is over.
    let isEnd: Bool

    /// Indices of all segments of which something is listed.
    var listed: Range<Int> { whole.lowerBound..<whole.upperBound + (openParts > 0 ? 1 : 0) }
}

extension MediaWindow {
    /// The state directly after the part of `key`; nil where it is not held.
    func state(_ key: PlaylistKey) -> PlaylistState? {
        if key.isEnd { return state(whole: segments.count, openParts: 0, isEnd: true) }
        guard let index = index(of: key.position.msn), let last = segments[index].lastPosition,
            key.position.part >= 0, key.position <= last
        else { return nil }
        let closes = key.position == last && segments[index].phase == .closed
        if closes { return state(whole: index + 1, openParts: 0, isEnd: false) }
        let parts = segments[index].partTarget == nil ? 0 : key.position.part + 1
        return state(whole: index, openParts: parts, isEnd: false)
    }

    private func state(whole end: Int, openParts: Int, isEnd: Bool) -> PlaylistState {
        let start = listStart(before: end)
        return PlaylistState(whole: start.index..<end, openParts: openParts, isFull: start.isFull, isEnd: isEnd)
    }

    /// The first segment listed when the whole ones end before index `end`: as late as leaves the window's number of
    /// segments and three target durations (RFC 8216bis §6.2.2). It moves forward only, as `end` does.
    func listStart(before end: Int) -> (index: Int, isFull: Bool) {
        let least = Int64(targetDuration ?? 0) * 3_000_000
        var index = end
        var microseconds: Int64 = 0
        while index > 0, segments[index - 1].msn >= base {
            if end - index >= settings.segments, microseconds >= least { return (index, true) }
            index -= 1
            microseconds += segments[index].microseconds
        }
        let isBeginning = knowsBeginning && (index == end || segments[index].msn == base)
        return (index, isBeginning || end - index >= settings.segments && microseconds >= least)
    }

    /// Whether a playlist may be answered in this state: enough whole segments, nothing missing, a target duration.
    func isReady(_ state: PlaylistState) -> Bool {
        if state.isEnd { return !state.whole.isEmpty }
        return targetDuration != nil && state.isFull && state.whole.count >= settings.segmentsBeforeFirstPlaylist
    }

    /// The place of a segment of the playlist's life.
    func index(of msn: MediaSequenceNumber) -> Int? {
        guard let last = segments.last, msn <= last.msn else { return nil }
        return segments.lastIndex { $0.msn == msn && $0.msn >= base }
    }

    /// The parameters that a segment is decoded with.
    func parameters(of segment: WindowSegment) -> Parameters? { birth(of: segment)?.parameters }

    /// The parameters that a segment is decoded with, and their term.
    func birth(of segment: WindowSegment) -> ParametersBirth? {
        births.last { $0.term == segment.parametersTerm && $0.parameters.number == segment.parameters }
    }
}
