// SPDX-License-Identifier: Apache-2.0

import HLS

/// Reads arbitrary bytes as part of a request target; must never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let query = Array(UnsafeBufferPointer(start: start, count: count))[...]
    _ = try? PlaylistQuery(parsing: query)
    _ = SteeringQuery(parsing: query)
    return 0
}
