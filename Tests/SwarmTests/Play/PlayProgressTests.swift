// SPDX-License-Identifier: Apache-2.0

import Swarm
import Testing

@Suite("How a run of WHEP viewers goes")
struct PlayProgressTests {
    @Test("is said as what happened since it was said last, of all threads together")
    func line() {
        var tally = PlayTally()
        tally.joins = 10
        tally.packets = 1000
        tally.faults = [.checks: 1]
        var before = PlayProgress(tally, present: 4, time: .seconds(2))
        before.merge(PlayProgress(tally, present: 5, time: .milliseconds(1990)))
        #expect(before.present == 9 && before.time == .seconds(2))
        tally.joins = 14
        tally.started = 6
        tally.packets = 3000
        tally.bytes = 1_000_000
        tally.pictures = 60
        tally.lostPackets = 1
        tally.freezes = 2
        tally.faults = [.checks: 1, .server: 3]
        var after = PlayProgress(tally, present: 6, time: .seconds(4))
        after.merge(PlayProgress(tally, present: 6, time: .seconds(4)))
        #expect(
            after.line(since: before)
                == "4 s: 12 present, 4 joins/s, 6 first pictures/s, 2000 packets/s, 8 Mbit/s, 60 pictures/s, 2 lost, "
                + "4 freezes, failed: 6 server")
    }

    @Test("is said without failures where there were none, and without a time in between")
    func empty() {
        let nothing = PlayProgress(PlayTally(), present: 0, time: .zero)
        #expect(
            nothing.line(since: nothing)
                == "0 s: 0 present, 0 joins/s, 0 first pictures/s, 0 packets/s, 0 Mbit/s, 0 pictures/s, 0 lost, 0 freezes"
        )
    }
}
