// SPDX-License-Identifier: Apache-2.0

import Identity
import Media

/// One track as the sequencer follows it.
struct SequencerTrack: Sendable {
    let track: Track
    var clock: PublisherClock.Track
    /// A mark since its newest unit has told where the next one begins.
    var isPinned = true
    /// Where that mark said.
    var stated: Int64
    /// The decode time of its newest unit, as it was written; nil before the first.
    var written: Int64?
    /// Of a layer that does not lead: whether its units can be decoded from those before them.
    var isIn = false
    private var timing: Timing

    private enum Timing: Sendable {
        case audio(AudioTiming)
        case video(VideoTiming)
    }

    /// A track that begins at `start`, in nanoseconds of the timeline.
    init(_ track: Track, start: Int64, interval: Duration?, clock: PublisherClock.Track) {
        self.track = track
        self.clock = clock
        let ticks = track.timescale.ceiling(start)
        stated = ticks
        switch track.parameters {
        case .audio(let audio): timing = .audio(AudioTiming(start: ticks, parameters: audio))
        case .video(let video):
            let declared = video.frameRate.flatMap { (1...1000).contains($0) ? $0 : nil }
            let known = interval?.ticks(.video) ?? declared.map { Int64((90_000 / $0).rounded()) } ?? 3000
            timing = .video(VideoTiming(start: ticks, declared: declared, interval: max(1, known)))
        }
    }

    var isVideo: Bool { track.codec.isVideo }

    /// Where the next unit begins, in ticks.
    var end: Int64 {
        switch timing {
        case .audio(let audio): audio.end
        case .video(let video): video.end
        }
    }

    /// Where the next unit begins, in nanoseconds of the timeline.
    var endOnTimeline: Int64 { MediaTime(ticks: end, timescale: track.timescale).converted(to: .nanoseconds).ticks }

    /// The usual time from one unit to the next, in ticks.
    var interval: Int64 {
        switch timing {
        case .audio(let audio): audio.interval
        case .video(let video): video.interval
        }
    }

    /// Goes on at `start`, in ticks, with another publisher's clock.
    /// - Parameter interval: what is known of the time from one picture to the next; nil where nothing new is.
    mutating func resume(at start: Int64, interval: Duration? = nil, clock: PublisherClock.Track) {
        self.clock = clock
        isPinned = true
        isIn = false
        switch timing {
        case .audio(var audio):
            audio.resume(at: max(audio.end, start))
            timing = .audio(audio)
        case .video(var video):
            video.resume(at: start, interval: interval.map { max(1, $0.ticks(.video)) })
            timing = .video(video)
        }
    }

    /// Places a unit that stands at `place` nanoseconds of the timeline; nil where it is dropped.
    mutating func place(_ unit: AccessUnit, at place: Int64, counters: inout SequencerCounters) -> Placement? {
        let time = MediaTime(ticks: place, timescale: .nanoseconds).converted(to: track.timescale).ticks
        let source = unit.decodeTime.timescale
        switch timing {
        case .audio(var audio):
            defer { timing = .audio(audio) }
            return audio.place(time, payload: unit.payload, isPinned: isPinned, counters: &counters)
        case .video(var video):
            defer { timing = .video(video) }
            let offset = MediaTime(ticks: Int64(unit.compositionOffset), timescale: source).converted(to: .video).ticks
            return video.place(time, offset: offset, unit: source, counters: &counters)
        }
    }
}

extension Timescale {
    /// The first tick at or after a time in nanoseconds.
    func ceiling(_ nanoseconds: Int64) -> Int64 {
        let ticks = MediaTime(ticks: nanoseconds, timescale: .nanoseconds).converted(to: self)
        return ticks.converted(to: .nanoseconds).ticks < nanoseconds ? ticks.ticks + 1 : ticks.ticks
    }
}
