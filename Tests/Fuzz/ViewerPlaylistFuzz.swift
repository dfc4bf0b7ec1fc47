// SPDX-License-Identifier: Apache-2.0

import Bytes
import Swarm

/// Gives a viewer arbitrary bytes as its playlists, steering manifests and media; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let address = HTTPAddress("http://a.test/x/index.m3u8") else { return 0 }
    var settings = HLSViewerSettings()
    settings.takesHints = true
    var viewer = HLSViewerSession(address, settings: settings)
    var commons = HLSCommons()
    var directives: [HLSViewerSession.Directive] = []
    viewer.start(now: .zero, commons: &commons, into: &directives)
    for (number, text) in Array(UnsafeBufferPointer(start: start, count: count)).split(separator: 0).enumerated() {
        let answer = HTTPAnswer(status: 200, body: text, size: .bytes(text.count))
        for lane in [number % HLSViewerSession.lanes, 0] {
            viewer.receive(answer, lane: lane, now: .seconds(number), commons: &commons, into: &directives)
        }
        viewer.tick(now: .seconds(number), commons: &commons, into: &directives)
        directives.removeAll()
    }
    viewer.finish(now: .seconds(count), commons: &commons)
    return 0
}
