// SPDX-License-Identifier: Apache-2.0

import RTMP

/// Reads arbitrary bytes as chunks, in two pieces; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var decoder = ChunkDecoder(settings: RTMPSettings())
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    for part in [bytes[..<(count / 2)], bytes[(count / 2)...]] {
        var input = UnsafeRawBufferPointer(rebasing: part)
        while let message = try? decoder.next(&input) { _ = try? Command(message.body, type: message.type) }
    }
    return 0
}
