// SPDX-License-Identifier: Apache-2.0

import Media

/// Reads arbitrary bytes as a configuration record; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    _ = try? VideoParameters(avcC: Array(UnsafeBufferPointer(start: start, count: count))[...])
    return 0
}
