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
        milliseconds           p50       p95       p99       max
        \(line("offer to answer", answerMilliseconds))
        \(line("offer to keys", connectMilliseconds))
        \(line("offer to picture", startMilliseconds))
        \(line("on the way", delayMilliseconds))
        \(line("between pictures", intervalMilliseconds))
        """
    }

    private func line(_ name: String, _ times: TimesReport) -> String {
        func padded(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        let cells = [times.p50, times.p95, times.p99, times.max].map { padded("\($0)", 10) }
        return name + String(repeating: " ", count: max(0, 17 - name.count)) + cells.joined()
    }
}
