// SPDX-License-Identifier: Apache-2.0

import Media

/// Reads arbitrary bytes as a configuration record; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))[...]
    _ = try? AudioParameters(audioSpecificConfig: bytes)
    _ = try? AudioParameters(dOps: bytes)
    _ = try? AudioParameters(opusHead: bytes)
    return 0
}
