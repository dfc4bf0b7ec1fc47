// SPDX-License-Identifier: Apache-2.0

import Identity
import Media

/// The marks themselves.
extension Sequencer {
    mutating func emit(_ record: FeedRecord, into records: inout [FeedRecord]) {
        summary.append(record)
        records.append(record)
    }

    mutating func startSegment(
        at time: Int64, isRandomAccess: Bool, arrival: WallTime, into records: inout [FeedRecord]
    ) {
        judgeRate()
        if !isRandomAccess { counters.forcedCuts += 1 }
        if pendingDiscontinuity { counters.discontinuities += 1 }
        let times = standing(leadingAt: time)
        let start = SegmentStart(
            msn: summary.nextSegment,
            firstDecodeTimes: times,
            firstFragmentNumber: summary.nextFragment,
            programDateTime: date(of: times, arrival: arrival),
            discontinuitySequence: summary.discontinuitySequence &+ (pendingDiscontinuity ? 1 : 0),
            isDiscontinuity: pendingDiscontinuity,
            parameters: parametersNumber ?? 0,
            targetDuration: targetDuration,
            partTarget: partTarget,
            packaging: settings.packaging,
            cdnBase: cdnBase
        )
        let limits = CutLimits(
            settings, targetDuration: start.targetDuration, partTarget: partTarget,
            timescale: tracks[leading].track.timescale)
        segment = OpenSegment(msn: start.msn, start: time, isForced: !isRandomAccess, limits: limits)
        part = OpenPart(start: time)
        pin(times)
        pendingDiscontinuity = false
        if isRandomAccess { wantsDate = false }
        emit(.segmentStart(start), into: &records)
    }

    mutating func endPart(at time: Int64, closesSegment: Bool, into records: inout [FeedRecord]) {
        guard let msn = segment?.msn else { return }
        let duration = MediaTime(ticks: time - part.start, timescale: tracks[leading].track.timescale).duration
        let end = PartEnd(
            position: PartPosition(msn: msn, part: part.index),
            ends: standing(leadingAt: time),
            duration: duration,
            isIndependent: part.isIndependent,
            closesSegment: closesSegment
        )
        let index = part.index + 1
        if part.newest != nil { loseLayers(in: duration) }
        part = OpenPart(start: time)
        part.index = index
        pin(end.ends)
        emit(.partEnd(end), into: &records)
    }

    /// Notes what a mark said of where the tracks go on.
    private mutating func pin(_ times: [TrackTime]) {
        for (index, time) in times.enumerated() {
            tracks[index].isPinned = true
            tracks[index].stated = time.ticks
        }
    }

    /// Ends the open segment without a unit that follows. The last picture stands until the other tracks end, as far
    /// as the part may reach.
    mutating func endSegment(into records: inout [FeedRecord]) {
        guard let limits = segment?.limits else { return }
        let timescale = tracks[leading].track.timescale
        let others = tracks.reduce(part.start) { max($0, timescale.ceiling($1.endOnTimeline)) }
        var time = part.start
        if part.newest != nil {
            time = tracks[leading].isVideo ? min(max(expectedPartEnd, others), bound) : expectedPartEnd
        } else if part.hasUnits {
            time = min(max(others, part.start + limits.tick), max(bound, part.start + 1))
        }
        endPart(at: time, closesSegment: true, into: &records)
        tracks[leading].resume(at: time, clock: tracks[leading].clock)
        segment = nil
    }

    /// Where each track stands, with the leading one at `time`. The other layers are on the same clock and stand with it,
    /// so that all have the same parts.
    private func standing(leadingAt time: Int64) -> [TrackTime] {
        tracks.indices.map { index in
            var ticks = index == leading ? time : tracks[index].end
            if index != leading, tracks[index].isVideo { ticks = max(time, tracks[index].written.map { $0 + 1 } ?? 0) }
            return TrackTime(track: tracks[index].track.id, ticks: ticks)
        }
    }

    /// Civil time at a segment's start: counted on by media time while that agrees with the arrival of its first unit,
    /// so that jitter stays out of it. Where the unit came later than that, because the publisher paused or fell
    /// behind, its arrival at once. Where three segments in a row came earlier, because the publisher caught up, the
    /// dates are led back to the arrivals, by so little a segment that the times of two segments hardly overlap.
    private mutating func date(of times: [TrackTime], arrival: WallTime) -> WallTime {
        let counted = summary.countedDate(firstDecodeTimes: times, isDiscontinuity: pendingDiscontinuity)
        guard let counted else { return arrival }
        let late = arrival.milliseconds &- counted.milliseconds
        earlySegments = late < -Self.dateTolerance ? earlySegments + 1 : 0
        if late > (wantsDate ? 0 : Self.dateTolerance) { return arrival }
        guard earlySegments >= 3 else { return counted }
        return max(arrival, counted.advanced(by: .milliseconds(-Self.dateTolerance)))
    }

    /// How far civil time counted by media may be from the arrival of media, in milliseconds: above the jitter of
    /// common networks, below what a viewer's latency display should be wrong by.
    private static let dateTolerance: Int64 = 250

    private var targetDuration: Int? {
        if let known = summary.targetDuration { return known }
        guard summary.segmentsEnded >= 2 else { return nil }
        return CutLimits.targetDuration(settings, longestOfFirstTwo: summary.longestOfFirstTwo)
    }

    /// Gives up parts after three segments in a row most of whose pictures came too far apart for them, and takes them
    /// up again after three that came fast enough: a shared screen that stands still for a moment costs nobody the low
    /// latency. EXT-X-PART-INF may come and go: nothing in RFC 8216bis fixes it for the life of a playlist, and players
    /// read it anew with each reload. Three segments keep it from flapping.
    private mutating func judgeRate() {
        guard let segment, segment.units >= 2 else { return }
        let isSlow = segment.slowUnits * 2 > segment.units
        guard isSlow == (partTarget != nil) else {
            segmentsOfOtherRate = 0
            return
        }
        segmentsOfOtherRate += 1
        guard segmentsOfOtherRate >= 3 else { return }
        partTarget = isSlow ? nil : settings.partTarget
        segmentsOfOtherRate = 0
    }
}
