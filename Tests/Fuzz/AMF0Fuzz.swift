// SPDX-License-Identifier: Apache-2.0

import RTMP

/// Reads arbitrary bytes as AMF and writes what it read; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    var decoder = AMFDecoder(Array(UnsafeBufferPointer(start: start, count: count))[...])
    while !decoder.isAtEnd, let value = try? decoder.value() { _ = AMFEncoder.encode([value]) }
    return 0
}
