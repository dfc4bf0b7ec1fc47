// SPDX-License-Identifier: Apache-2.0

import Bytes
import Feed
import Identity
import Media
import Testing

extension FeedReading {
    /// Holds a feed against the rules that no publisher may break. `context` is printed with what fails.
    func check(_ settings: SequencerSettings, _ context: String) {
        checkNumbers(context)
        checkTimes(context)
        checkDurations(settings, context)
        checkDates(context)
    }

    /// Holds the last seconds of each publisher's tracks against each other: whatever was lost or wrong, most of their
    /// units moved by the same amount.
    func checkStep(_ due: [[ByteSlice: Double]], _ context: String) {
        for due in due {
            let known = units.filter { due[$0.payload] != nil }
            let last = known.compactMap { due[$0.payload] }.max() ?? 0
            let moved = [TrackID.video, .audio].map { track in
                known.filter { $0.track == track }.compactMap { unit -> Double? in
                    guard let due = due[unit.payload], due > last - 3 else { return nil }
                    let shown = unit.decodeTime.ticks + Int64(unit.compositionOffset)
                    return MediaTime(ticks: shown, timescale: unit.decodeTime.timescale).seconds - due
                }.sorted()
            }
            guard moved.allSatisfy({ $0.count >= 12 }) else { continue }
            let step = moved[0][moved[0].count / 2] - moved[1][moved[1].count / 2]
            #expect(abs(step) < 0.13, "\(step) s apart at \(last), \(context)")
        }
    }

    private func checkNumbers(_ context: String) {
        var fragment = segments.first?.start.firstFragmentNumber ?? 1
        for (before, after) in zip(segments, segments.dropFirst()) {
            #expect(after.start.msn == before.start.msn + 1, "\(context)")
            #expect(before.isClosed, "segment \(before.start.msn) \(context)")
            #expect(after.start.targetDuration ?? 0 >= before.start.targetDuration ?? 0, "\(context)")
        }
        for segment in segments {
            #expect(segment.start.firstFragmentNumber == fragment, "segment \(segment.start.msn) \(context)")
            for (index, part) in segment.parts.enumerated() {
                #expect(part.end.position == PartPosition(msn: segment.start.msn, part: index), "\(context)")
                #expect(part.end.hasMedia == !part.units.isEmpty, "\(part.end.position) \(context)")
                fragment += part.end.hasMedia ? 1 : 0
            }
        }
    }

    private func checkTimes(_ context: String) {
        var newest: [TrackID: Int64] = [:]
        for segment in segments {
            if segment.start.isDiscontinuity { newest = [:] }
            var start = ticks(segment.start.firstDecodeTimes, segment.leading.id)
            #expect(start >= 0, "\(context)")
            for part in segment.parts {
                let end = ticks(part.end.ends, segment.leading.id)
                let units = part.units.filter { $0.track == segment.leading.id }
                let length = MediaTime(ticks: end - start, timescale: segment.leading.timescale).duration
                #expect(part.end.duration == length, "\(part.end.position) \(context)")
                if let first = units.first, segment.leading.codec.isVideo {
                    #expect(first.decodeTime.ticks == start, "\(part.end.position) \(context)")
                    #expect(part.end.isIndependent == units.contains(where: \.isRandomAccess), "\(context)")
                }
                for unit in part.units {
                    let time = unit.decodeTime.ticks
                    #expect(time > newest[unit.track] ?? -1, "\(part.end.position) \(unit.track) \(context)")
                    #expect(time < ticks(part.end.ends, unit.track), "\(part.end.position) \(unit.track) \(context)")
                    newest[unit.track] = time
                }
                start = end
            }
        }
    }

    private func checkDurations(_ settings: SequencerSettings, _ context: String) {
        for segment in segments {
            if let target = segment.start.targetDuration {
                #expect(segment.duration < .milliseconds(target * 1000 + 500), "\(segment.start.msn) \(context)")
            }
            guard let target = segment.start.partTarget else {
                #expect(segment.parts.count { $0.end.hasMedia } <= 1, "\(segment.start.msn) \(context)")
                continue
            }
            for part in segment.parts {
                #expect(part.end.duration <= target, "\(part.end.position) \(context)")
                let isLast = part.end.position.part >= segment.parts.count { $0.end.hasMedia } - 1
                if !isLast { #expect(part.end.duration >= target * 0.85, "\(part.end.position) \(context)") }
            }
        }
    }

    /// Dates are counted on by media time, but for arrivals over 250 ms later, at once, or earlier, three times in a row.
    private func checkDates(_ context: String) {
        var early = 0
        var almostEarly = 1
        for (before, after) in zip(segments, segments.dropFirst()) {
            let date = after.start.programDateTime.milliseconds
            let context = "segment \(after.start.msn) \(context)"
            let counted = before.start.programDateTime.advanced(by: before.duration + hole(before, after)).milliseconds
            #expect(date >= counted - 252, "\(context)")
            guard let arrival = arrivals[after.start.msn]?.milliseconds else {
                (early, almostEarly) = (0, almostEarly + 1)
                continue
            }
            early = arrival < counted - 252 ? early + 1 : 0
            almostEarly = arrival < counted - 248 ? almostEarly + 1 : 0
            if date > counted + 1 {
                #expect(abs(date - arrival) <= 1, "\(context)")
            } else if date < counted - 1 {
                #expect(almostEarly >= 3 && date >= arrival - 1, "\(context)")
            } else {
                #expect(arrival <= counted + 252 && early < 3, "\(context)")
            }
        }
    }

    /// How long the leading track stands still between two segments.
    private func hole(_ before: Segment, _ after: Segment) -> Duration {
        guard !after.start.isDiscontinuity, let end = before.parts.last?.end.ends else { return .zero }
        let ticks = ticks(after.start.firstDecodeTimes, after.leading.id) - ticks(end, after.leading.id)
        return MediaTime(ticks: max(0, ticks), timescale: after.leading.timescale).duration
    }

    private func ticks(_ times: [TrackTime], _ track: TrackID) -> Int64 {
        times.first { $0.track == track }?.ticks ?? -1
    }
}
