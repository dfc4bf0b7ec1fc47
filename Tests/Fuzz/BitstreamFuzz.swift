// SPDX-License-Identifier: Apache-2.0

import Media

/// Walks arbitrary bytes as the units of every codec; must never trap, and never yield more than it was given.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))[...]
    for size in [1, 2, 4] { for unit in NALUnits(bytes, lengthSize: size) { _ = NALUnitKind(h264: unit) } }
    for unit in NALUnits(annexB: bytes) { _ = NALUnitKind(hevc: unit) }
    let unit = AV1TemporalUnit(bytes)
    _ = unit.isRandomAccess
    precondition(unit.sample.count <= count, "a sample of \(unit.sample.count) bytes")
    _ = OpusPacket.sampleCount(of: bytes)
    return 0
}
