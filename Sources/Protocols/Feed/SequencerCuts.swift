// SPDX-License-Identifier: Apache-2.0

import Identity
import Media

/// Where a running stream's units go, and which marks stand before them.
extension Sequencer {
    mutating func sequence(_ unit: AccessUnit, now: Duration, arrival: WallTime, into records: inout [FeedRecord]) {
        followLayers(unit, now: now)
        if !changes.isEmpty || !layers.departing.isEmpty, !applyChanges(for: unit, into: &records) {
            counters.unitsWithoutParameters += 1
            return
        }
        guard let index = tracks.firstIndex(where: { $0.track.id == unit.track }) else {
            counters.unitsWithoutParameters += 1
            return
        }
        let end = tracks[index].endOnTimeline
        let (place, jumped) = clock.place(unit.decodeTime, now: now, track: &tracks[index].clock, end: end)
        if jumped {
            counters.clockJumps += 1
            wantsDate = true
        }
        guard let placement = tracks[index].place(unit, at: place, counters: &counters) else { return }
        if index == leading {
            lead(unit, placement, now: now, arrival: arrival, into: &records)
        } else {
            follow(unit, placement, index: index, into: &records)
        }
    }

    /// A unit of the leading track: the marks are cut by it.
    private mutating func lead(
        _ unit: AccessUnit, _ placement: Placement, now: Duration, arrival: WallTime, into records: inout [FeedRecord]
    ) {
        switch cut(before: placement, isRandomAccess: unit.isRandomAccess) {
        case .none: break
        case .part(let time): endPart(at: time, closesSegment: false, into: &records)
        case .segment(let end, let start):
            let end = withOthers(end)
            if segment != nil { endPart(at: end, closesSegment: true, into: &records) }
            startSegment(at: max(start, end), isRandomAccess: unit.isRandomAccess, arrival: arrival, into: &records)
        }
        let time = decodeTime(of: placement)
        if time < placement.time { counters.picturesMovedUp += 1 }
        if part.newest == nil {
            part.began = now
        }
        if unit.isRandomAccess { part.isIndependent = true }
        part.newest = time
        if !tracks[leading].isVideo { part.audioEnd = time + (placement.next - placement.time) }
        segment?.units += 1
        if segment?.shown == nil { segment?.shown = placement.time + placement.offset }
        if let limits = segment?.limits, placement.next - placement.time > limits.slowInterval {
            segment?.slowUnits += 1
        }
        write(unit, at: time, shown: placement, index: leading, into: &records)
    }

    /// A part that has units of other tracks only lasts a millisecond at least.
    private func withOthers(_ end: Int64) -> Int64 {
        guard let segment, part.newest == nil, part.hasUnits else { return end }
        return max(end, part.start + segment.limits.tick)
    }

    /// A unit of another track: it belongs to the part that is open.
    private mutating func follow(
        _ unit: AccessUnit, _ placement: Placement, index: Int, into records: inout [FeedRecord]
    ) {
        guard segment != nil else {
            counters.unitsBeforeRandomAccess += 1
            return
        }
        var time = placement.time
        if tracks[index].isVideo {
            guard let found = layerTime(of: unit, placement, index: index) else {
                counters.unitsOfAbsentLayers += 1
                return
            }
            time = found
        }
        write(unit, at: time, shown: placement, index: index, into: &records)
    }

    private mutating func write(
        _ unit: AccessUnit, at time: Int64, shown: Placement, index: Int, into records: inout [FeedRecord]
    ) {
        let timescale = tracks[index].track.timescale
        var offset = shown.offset &+ (shown.time - time)
        if shown.offset >= 0 { offset = max(0, offset) }
        var unit = unit
        unit.decodeTime = MediaTime(ticks: time, timescale: timescale)
        unit.compositionOffset = Int32(clamping: offset)
        unit.isRandomAccess = unit.isRandomAccess || !tracks[index].isVideo
        tracks[index].isPinned = false
        tracks[index].written = time
        part.hasUnits = true
        records.append(.accessUnit(unit))
    }

    /// The first unit of a part stands where the part begins, the others between the one before and the bound.
    private func decodeTime(of placement: Placement) -> Int64 {
        guard tracks[leading].isVideo else { return max(placement.time, part.start) }
        guard let newest = part.newest else { return part.start }
        return min(max(placement.time, newest + 1), bound)
    }

    /// The last tick that the open part may reach.
    var bound: Int64 {
        guard let segment else { return .max }
        return segment.limits.part.map { min(part.start + $0, segment.bound) } ?? segment.bound
    }

    private func cut(before unit: Placement, isRandomAccess: Bool) -> Cut {
        guard let segment else {
            return .segment(end: unit.time, start: max(unit.time, tracks[leading].isVideo ? part.start : 0))
        }
        let reach = part.newest.map { min(max(unit.time, $0 + 1), bound) } ?? part.start
        let lead = unit.time - reach
        if lead > (tracks[leading].isVideo ? segment.limits.longestLead : 0), unit.time >= bound {
            // Audio is not stretched over a hole: the part ends where its last unit does.
            return .segment(end: min(reach, part.audioEnd ?? reach), start: unit.time)
        }
        let next = max(unit.next, reach + 1)
        let isFull = part.newest != nil && next > segment.bound
        let endsSegment = isRandomAccess && mayEndSegment(at: max(reach, due(unit)))
        if isFull || endsSegment { return .segment(end: reach, start: reach) }
        guard let longest = segment.limits.part, part.newest != nil else { return .none }
        if unit.time >= bound { return .part(reach) }
        let isLastFit = next > part.start + longest && reach - part.start >= segment.limits.shortestPart
        return isLastFit ? .part(reach) : .none
    }

    /// When a picture is due by what is seen: decode times run ahead of it unevenly where pictures are reordered and come
    /// at no steady rate, and one that comes behind a gap is decoded earlier, where the part must end.
    private func due(_ unit: Placement) -> Int64 {
        guard let segment, let first = segment.shown else { return unit.time }
        return max(unit.time, segment.start + unit.time + unit.offset - first)
    }

    /// Whether a random access point at `time` would begin a segment. For video that is so from nine tenths of the target
    /// on: a group of pictures that is a little short would otherwise join with the next, and end at no random access
    /// point, or double the target duration of the whole stream.
    private func mayEndSegment(at time: Int64) -> Bool {
        guard let segment else { return false }
        if segment.isForced || wantsDate || !changes.isEmpty { return true }
        let slack = tracks[leading].isVideo ? segment.limits.segment / 10 : 0
        return time - segment.start >= segment.limits.segment - slack
    }
}

/// The timer that ends parts.
extension Sequencer {
    /// Where the part would end if no more came.
    var expectedPartEnd: Int64 {
        min(max(tracks[leading].end, (part.newest ?? part.start) + 1), bound)
    }

    /// One part target after the part began, where 85 % of it is there. Never where the next unit may begin a segment:
    /// the part's mark has to say that it ends one.
    var partDeadline: Duration? {
        guard let began = part.began, let segment, segment.limits.part != nil, let partTarget else { return nil }
        let end = expectedPartEnd
        guard end - part.start >= segment.limits.shortestPart, !mayEndSegment(at: end) else { return nil }
        guard end + tracks[leading].interval <= segment.bound else { return nil }
        return began + partTarget
    }
}
