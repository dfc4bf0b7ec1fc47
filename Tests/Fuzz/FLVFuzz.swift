// SPDX-License-Identifier: Apache-2.0

import RTMP

/// Reads arbitrary bytes as FLV and its tags as media; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var (decoder, media) = (FLVDecoder(), MediaFromRTMP())
    var events: [MediaFromRTMP.Event] = []
    decoder.append(UnsafeBufferPointer(start: start, count: count))
    while let message = try? decoder.next() { try? media.accept(message, into: &events) }
    return 0
}
