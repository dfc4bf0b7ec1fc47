// SPDX-License-Identifier: Apache-2.0

import Swarm

/// The result of `watch whep`.
struct WHEPReport: Report {
    let viewers, seconds, joins, connected, started, cutShort, left, faultCount: Int
    let packets, steadyPackets, bytes, lostPackets, repairedPackets, overrunPackets, badPackets: Int
    let pictures, sounds, lostPictures, freezes: Int
    let frozenSeconds, presentSeconds, steadySeconds, packetsPerViewerSecond: Double
    let faults: [String: Int]
    let answerMilliseconds, connectMilliseconds, startMilliseconds: TimesReport
    let delayMilliseconds, intervalMilliseconds: TimesReport

    init(_ tally: WHEPTally, viewers: Int, length: Duration, settle: Duration) {
        self.viewers = viewers
        seconds = Int(length / .seconds(1))
        steadySeconds = (length - settle) / .seconds(1)
        steadyPackets = tally.packets - tally.earlyPackets
        joins = tally.joins
        connected = tally.connected
        started = tally.started
        cutShort = tally.cutShort
        left = tally.left
        faultCount = tally.faultCount
        packets = tally.packets
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
        packetsPerViewerSecond = presentSeconds > 0 ? Double(tally.packets) / presentSeconds : 0
        faults = Dictionary(uniqueKeysWithValues: tally.faults.map { ($0.key.rawValue, $0.value) })
        answerMilliseconds = TimesReport(tally.answerTimes)
        connectMilliseconds = TimesReport(tally.connectTimes)
        startMilliseconds = TimesReport(tally.startTimes)
        delayMilliseconds = TimesReport(tally.delays)
        intervalMilliseconds = TimesReport(tally.intervals)
    }

    /// What was not as it must be where nobody says how it must be.
    var shortcomings: [String] {
        (started == 0 ? ["nobody saw a picture"] : [])
            + faults.map { "\($1) failed: \($0)" } + (lostPackets > 0 ? ["\(lostPackets) packets lost"] : [])
    }

    var summary: String {
        """
        \(joins) joins of \(viewers) viewers: \(connected) connected, \(started) saw a picture, \(cutShort) left before, \(left) left, faults \(faults)
        \(packets) packets, \(bytes >> 20) MiB, \(Int(packetsPerViewerSecond)) a viewer and second; \(lostPackets) lost, \
        \(repairedPackets) repaired, \(overrunPackets) dropped by this machine, \(badPackets) bad
        \(pictures) pictures, \(sounds) of sound, \(lostPictures) runs lost, \(freezes) freezes of \(frozenSeconds) s
        \(TimesReport.heading)
        \(answerMilliseconds.line("offer to answer"))
        \(connectMilliseconds.line("offer to keys"))
        \(startMilliseconds.line("offer to picture"))
        \(delayMilliseconds.line("on the way"))
        \(intervalMilliseconds.line("between pictures"))
        """
    }
}
