// SPDX-License-Identifier: Apache-2.0
// Sources: Tests/Fuzz/PayloadWalk.swift

import RTP

/// Reads arbitrary bytes as payloads of HEVC; must never trap, nor make a picture of more than it was given.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    walk(UnsafeBufferPointer(start: bytes, count: count), .hevc)
    return 0
}
