// SPDX-License-Identifier: Apache-2.0

import Identity
import Media

/// How a publisher's first segment begins, and how its tracks change.
extension Sequencer {
    mutating func beginIfReady(now: Duration, into records: inout [FeedRecord]) {
        guard intake.isReady(now: now), let leading = intake.leading, let arrival = intake.arrival else { return }
        guard let entry = intake.units.firstIndex(where: { $0.track == leading.id }) else { return }
        let first = intake.units[entry]
        let timeline = timelineEnd
        clock.restart(first.decodeTime, at: timeline, track: leading.id)
        let interval = leading.codec.isVideo ? intake.interval(now: now, final: true) : nil
        setTracks(intake.tracks, start: timeline, interval: interval, into: &records)
        phase = .running
        let units = intake.units
        intake = SequencerIntake(settings, former: nil)
        sequence(first, now: now, arrival: arrival, into: &records)
        let start = first.decodeTime.duration
        for (index, unit) in units.enumerated() where index != entry {
            if unit.track != leading.id, unit.decodeTime.duration < start {
                counters.unitsBeforeRandomAccess += 1
            } else {
                sequence(unit, now: now, arrival: arrival, into: &records)
            }
        }
    }

    /// Applies the parameters that wait, where this unit is the random access point they wait for. Whether the unit
    /// can be used.
    mutating func applyChanges(for unit: AccessUnit, into records: inout [FeedRecord]) -> Bool {
        let kept = tracks.map(\.track).filter { track in
            !changes.contains { $0.id == track.id } && !layers.departing.contains(track.id)
        }
        let next = (kept + changes).sorted { $0.id < $1.id }
        guard unit.track == next.leading?.id, unit.isRandomAccess else {
            return !changes.contains { $0.id == unit.track }
        }
        changes = []
        endSegment(into: &records)
        setTracks(next, start: timelineEnd, interval: nil, into: &records)
        return true
    }

    /// The furthest end of any track, in nanoseconds of the timeline.
    private var timelineEnd: Int64 {
        guard tracks.isEmpty else { return tracks.reduce(0) { max($0, $1.endOnTimeline) } }
        var end: Int64 = 0
        for track in summary.parameters?.tracks ?? [] {
            guard let stated = summary.ends.first(where: { $0.track == track.id }) else { continue }
            let time = MediaTime(ticks: stated.ticks, timescale: track.timescale)
            end = max(end, time.converted(to: Timescale.nanoseconds).ticks)
        }
        return end
    }

    /// Goes on with `next`, at `start` of the timeline where a track is new or has other parameters.
    private mutating func setTracks(
        _ next: [Track], start: Int64, interval: Duration?, into records: inout [FeedRecord]
    ) {
        let isChange = summary.parameters.map { $0.tracks != next } ?? false
        let isOfLayers = summary.parameters.map { layers.areAll(from: $0.tracks, to: next) } ?? false
        if isChange, isOfLayers { counters.layerChanges += 1 }
        layers.change(from: tracks.map(\.track), to: next)
        tracks = next.map { track in
            guard var known = tracks.first(where: { $0.track == track }) else {
                return SequencerTrack(track, start: start, interval: interval, clock: clock.track(track.id))
            }
            if phase == .waiting {
                known.resume(at: track.timescale.ceiling(start), interval: interval, clock: clock.track(track.id))
            }
            return known
        }
        let lead = next.leading?.id
        leading = tracks.firstIndex { $0.track.id == lead } ?? 0
        if isChange || parametersNumber == nil {
            parametersNumber = parametersNumber.map { $0 &+ 1 } ?? 0
            emit(.parameters(Parameters(number: parametersNumber ?? 0, tracks: next)), into: &records)
        }
        if isChange || phase == .waiting {
            partTarget = isFastEnoughForParts ? settings.partTarget : nil
            segmentsOfOtherRate = 0
        }
        pendingDiscontinuity = isChange && !isOfLayers
    }

    private var isFastEnoughForParts: Bool {
        let track = tracks[leading]
        let slow = CutLimits.slowInterval(partTarget: settings.partTarget).ticks(track.track.timescale)
        return track.interval <= max(1, slow)
    }
}
