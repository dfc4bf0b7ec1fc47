// SPDX-License-Identifier: Apache-2.0

import Swarm

/// The result of `watch whep`, `watch rtmp` and `watch flv`.
struct PlayReport: Report {
    /// `whole` are the joins of viewers that opened all that they got.
    let viewers, seconds, joins, whole, connected, started, cutShort, unserved, left, faultCount: Int
    let packets, wholePackets, steadyPackets, bytes, lostPackets, repairedPackets, overrunPackets, badPackets: Int
    let pictures, sounds, lostPictures, freezes: Int
    let frozenSeconds, presentSeconds, wholePresentSeconds, steadySeconds, packetsPerViewerSecond: Double
    let faults: [String: Int]
    let answerMilliseconds, connectMilliseconds, startMilliseconds: TimesReport
    let delayMilliseconds, intervalMilliseconds, lagMilliseconds: TimesReport

    let samples: [PlaySecond]

    init(_ tally: PlayTally, viewers: Int, length: Duration, settle: Duration, samples: [PlaySecond]) {
        self.samples = samples
        self.viewers = viewers
        seconds = Int(length / .seconds(1))
        steadySeconds = (length - settle) / .seconds(1)
        steadyPackets = tally.packets - tally.earlyPackets
        joins = tally.joins
        whole = tally.joins - tally.countingJoins
        connected = tally.connected
        started = tally.started
        cutShort = tally.cutShort
        unserved = tally.unserved
        left = tally.left
        faultCount = tally.faultCount
        packets = tally.packets
        wholePackets = tally.packets - tally.countingPackets
        bytes = tally.bytes
        lostPackets = tally.lostPackets
        repairedPackets = tally.repairedPackets
        overrunPackets = tally.overrunPackets
        badPackets = tally.badPackets
        pictures = tally.pictures
        sounds = tally.sounds
        lostPictures = tally.lostPictures
        freezes = tally.freezes
        frozenSeconds = tally.frozen / .seconds(1)
        presentSeconds = tally.present / .seconds(1)
        wholePresentSeconds = (tally.present - tally.countingPresent) / .seconds(1)
        packetsPerViewerSecond = presentSeconds > 0 ? Double(tally.packets) / presentSeconds : 0
        faults = Dictionary(uniqueKeysWithValues: tally.faults.map { ($0.key.rawValue, $0.value) })
        answerMilliseconds = TimesReport(tally.answerTimes)
        connectMilliseconds = TimesReport(tally.connectTimes)
        startMilliseconds = TimesReport(tally.startTimes)
        delayMilliseconds = TimesReport(tally.delays)
        intervalMilliseconds = TimesReport(tally.intervals)
        lagMilliseconds = TimesReport(tally.lags)
    }

    /// What was not as it must be where nobody says how it must be.
    var shortcomings: [String] {
        (joins < viewers ? ["\(viewers - joins) of \(viewers) viewers never began"] : [])
            + (unserved > 0 || started == 0 ? ["\(started) of \(joins) viewers saw a picture"] : [])
            + faults.map { "\($1) failed: \($0)" } + (lostPackets > 0 ? ["\(lostPackets) packets lost"] : [])
    }

    var summary: String {
        """
        \(joins) joins of \(viewers) viewers, \(whole) of them whole: \(connected) connected, \(started) saw a picture, \(cutShort) left before, \(unserved) of them in vain, \(left) left, faults \(faults)
        \(packets) packets, \(bytes >> 20) MiB, \(Int(packetsPerViewerSecond)) a viewer and second; \(lostPackets) lost, \
        \(repairedPackets) repaired, \(overrunPackets) dropped by this machine, \(badPackets) bad
        \(pictures) pictures, \(sounds) of sound, \(lostPictures) runs lost, \(freezes) freezes of \(frozenSeconds) s
        \(TimesReport.heading)
        \(answerMilliseconds.line("to the answer"))
        \(connectMilliseconds.line("to the keys, or media"))
        \(startMilliseconds.line("to the first picture"))
        \(delayMilliseconds.line("on the way"))
        \(intervalMilliseconds.line("between pictures"))
        \(lagMilliseconds.line("this program was late"))
        """
    }
}
