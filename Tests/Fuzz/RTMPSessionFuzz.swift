// SPDX-License-Identifier: Apache-2.0

import RTMP

/// Feeds arbitrary bytes behind a handshake to a session that says yes to everything; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var session = ServerSession(
        settings: RTMPSettings(), random: [UInt8](repeating: 7, count: 1528), now: .zero)
    let hello = [3] + [UInt8](repeating: 0, count: 3072)
    var directives: [ServerSession.Directive] = []
    try? hello.withUnsafeBytes { try session.receive($0, now: .zero, into: &directives) }
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    for begin in stride(from: 0, to: count, by: 512) {
        let part = UnsafeRawBufferPointer(rebasing: bytes[begin..<min(count, begin + 512)])
        try? session.receive(part, now: .seconds(begin), into: &directives)
        session.acceptPublish(now: .zero, into: &directives)
    }
    return 0
}
