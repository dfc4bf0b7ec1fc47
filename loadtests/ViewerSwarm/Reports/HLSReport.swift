// SPDX-License-Identifier: Apache-2.0

import Swarm

/// The result of `watch hls`.
struct HLSReport: Report {
    let viewers, seconds, joins, started, cutShort, unserved, ended, notReady: Int
    let playlists, unchangedPlaylists, parts, segments, initSections, wastedHints, playlistBytes, mediaBytes: Int
    let redirects, steerings, moves, rejoins: Int
    let stalls, longStalls, stalledViewers, longStalledViewers, faultCount: Int
    let watchedSeconds, stoodSeconds, rebufferPercent, faultPercent, unstalledPercent, longStalledPercent: Double
    let faults: [String: Int]
    let blockedMilliseconds, playlistMilliseconds, refusedMilliseconds, mediaMilliseconds: TimesReport
    let playlistIntervalMilliseconds, startMilliseconds: TimesReport
    let stallMilliseconds, arrivalMilliseconds, latencyMilliseconds, lagMilliseconds: TimesReport
    let samples: [SecondReport]

    init(_ outcome: HLSOutcome, viewers: Int, seconds: Int) {
        let tally = outcome.tally
        self.viewers = viewers
        self.seconds = seconds
        joins = tally.joins
        started = tally.started
        cutShort = tally.cutShort
        unserved = tally.unserved
        ended = tally.ended
        notReady = tally.notReady
        playlists = tally.playlists
        unchangedPlaylists = tally.unchangedPlaylists
        parts = tally.parts
        segments = tally.segments
        initSections = tally.initSections
        wastedHints = tally.wastedHints
        playlistBytes = tally.playlistBytes
        mediaBytes = tally.mediaBytes
        redirects = tally.redirects
        steerings = tally.steerings
        moves = tally.moves
        rejoins = tally.rejoins
        stalls = tally.stalls
        longStalls = tally.longStalls
        stalledViewers = tally.stalledViewers
        longStalledViewers = tally.longStalledViewers
        faultCount = tally.faultCount
        watchedSeconds = tally.watched / .seconds(1)
        stoodSeconds = tally.stood / .seconds(1)
        rebufferPercent = 100 * tally.rebufferRatio
        faultPercent = Self.percent(tally.faultCount, of: tally.answers + tally.faultCount)
        unstalledPercent = Self.percent(tally.started - tally.stalledViewers, of: tally.started)
        longStalledPercent = Self.percent(tally.longStalledViewers, of: tally.started)
        faults = Dictionary(uniqueKeysWithValues: tally.faults.map { ($0.key.rawValue, $0.value) })
        blockedMilliseconds = TimesReport(tally.blockedTimes)
        playlistMilliseconds = TimesReport(tally.playlistTimes)
        refusedMilliseconds = TimesReport(tally.refusedTimes)
        mediaMilliseconds = TimesReport(tally.mediaTimes)
        playlistIntervalMilliseconds = TimesReport(tally.playlistIntervals)
        startMilliseconds = TimesReport(tally.startTimes)
        stallMilliseconds = TimesReport(tally.stallTimes)
        arrivalMilliseconds = TimesReport(tally.arrivals)
        latencyMilliseconds = TimesReport(tally.latencies)
        lagMilliseconds = TimesReport(outcome.lags)
        samples = outcome.samples.map(SecondReport.init)
    }

    /// What was not as it must be where nobody says how it must be.
    var shortcomings: [String] {
        (joins < viewers ? ["\(viewers - joins) of \(viewers) viewers never began"] : [])
            + (unserved > 0 || started == 0 ? ["\(started) of \(joins) viewers saw a picture"] : [])
            + faults.map { "\($1) failed: \($0)" }
    }

    var summary: String {
        """
        \(joins) joins of \(viewers) viewers: \(started) saw a picture, \(cutShort) left before, \(unserved) of them in vain, \(ended) to the end
        \(playlists) playlists, \(parts) parts, \(segments) segments, \((playlistBytes + mediaBytes) >> 20) MiB, faults \(faults)
        \(redirects) redirects, \(moves) moves to another pathway, \(rejoins) began again
        \(stalls) stalls, \(longStalls) over 2 s, of \(stalledViewers) and \(longStalledViewers) viewers; stood \(rebufferPercent) % of the time
        \(TimesReport.heading)
        \(startMilliseconds.line("to the first picture"))
        \(latencyMilliseconds.line("behind the publisher"))
        \(arrivalMilliseconds.line("on the way"))
        \(stallMilliseconds.line("stalls"))
        \(playlistMilliseconds.line("playlists"))
        \(refusedMilliseconds.line("refusals"))
        \(mediaMilliseconds.line("media"))
        \(lagMilliseconds.line("this program was late"))
        """
    }

    private static func percent(_ part: Int, of whole: Int) -> Double {
        whole > 0 ? 100 * Double(part) / Double(whole) : 0
    }
}

/// One second of a run; of rows by the thousand, so the names are short.
struct SecondReport: Encodable {
    let joining, playing, standing, joins, stalls, moves, faults, answers: Int
    let megabits: Double
    /// Behind the publisher, in milliseconds; nil where nothing was stamped.
    let latency50, latency95: Double?

    init(_ sample: HLSSample) {
        joining = sample.joining
        playing = sample.playing
        standing = sample.standing
        joins = sample.joins
        stalls = sample.stalls
        moves = sample.moves
        faults = sample.faults
        answers = sample.answers
        megabits = Double(sample.bytes) * 8 / 1_000_000
        let times = sample.latencies.count > 0 ? TimesReport(sample.latencies) : nil
        latency50 = times?.p50
        latency95 = times?.p95
    }
}
