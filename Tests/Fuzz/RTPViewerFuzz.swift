// SPDX-License-Identifier: Apache-2.0

import Swarm

/// Gives a viewer of plain RTP arbitrary datagrams, each behind a byte that tells its length; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var tally = PlayTally()
    var viewer = RTPViewerSession(due: .zero, tally: &tally)
    var rest = UnsafeRawBufferPointer(start: start, count: count)[...]
    var now = Duration.zero
    while let length = rest.first {
        let datagram = UnsafeRawBufferPointer(rebasing: rest.dropFirst().prefix(Int(length)))
        _ = viewer.receive(datagram, now: now, tally: &tally)
        rest = rest.dropFirst(1 + datagram.count)
        now += .milliseconds(40)
    }
    viewer.leave(now: now, tally: &tally)
    return 0
}
