// SPDX-License-Identifier: Apache-2.0

import Bytes
import Swarm

/// Gives a viewer arbitrary bytes as its playlists; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let address = HTTPAddress("http://a.test/x/index.m3u8") else { return 0 }
    var viewer = HLSViewerSession(address)
    var tally = ViewerTally()
    var directives: [HLSViewerSession.Directive] = []
    viewer.start(now: .zero, into: &directives)
    for (number, text) in Array(UnsafeBufferPointer(start: start, count: count)).split(separator: 0).enumerated() {
        let answer = HTTPAnswer(status: 200, body: text, size: .bytes(text.count))
        viewer.receive(answer, lane: number % 2, now: .seconds(number), tally: &tally, into: &directives)
        viewer.tick(now: .seconds(number), tally: &tally, into: &directives)
    }
    return 0
}
