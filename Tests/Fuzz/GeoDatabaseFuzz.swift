// SPDX-License-Identifier: Apache-2.0

import Cluster
import GeoIP

/// A file answers or is refused, in bounded time and memory.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    guard let database = try? GeoDatabase(input[...]) else { return 0 }
    for address in [IPAddress.v4(0xC000_0201), .v4(0xC633_6401), .v6(0x2001_0DB8_0001_0000, 1), .v6(.max, .max)] {
        _ = try? database.value(of: address)
    }
    return 0
}
