// SPDX-License-Identifier: Apache-2.0

import CMAF

/// Reads arbitrary bytes as boxes and their fragments; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    for box in BoxReader(Array(UnsafeBufferPointer(start: start, count: count))[...]) { _ = try? MovieFragment(box) }
    return 0
}
